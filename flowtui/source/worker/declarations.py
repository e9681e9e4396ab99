"""Works out the values of a declaring call that only running tells, in its module's namespace.

The call itself is not made. What cannot be worked out is left out: it stays dynamic.
"""

import ast
import datetime
import enum
import os
import time

from .failures import describe
from .project import as_module, run

_METHODS = ("deploy", "adeploy", "serve", "aserve", "to_deployment", "ato_deployment")
_TOGETHER = ("deploy", "adeploy")
_POSITIONAL = ("name", "work_pool_name")
_SCHEDULES = ("cron", "interval", "rrule", "schedule", "schedules")
_WORK_POOL = {
    "work_pool_name": "work_pool.name",
    "work_queue_name": "work_pool.work_queue_name",
    "job_variables": "work_pool.job_variables",
}
_SAME_NAME = (
    "name",
    "version",
    "tags",
    "description",
    "parameters",
    "concurrency_limit",
    "enforce_parameter_schema",
    "paused",
    "triggers",
    "image",
)
_SCHEDULE_KEYS = ("cron", "interval", "rrule", "timezone", "day_or", "slug", "parameters")
_IMAGE_KEYS = ("name", "tag", "dockerfile")
_STARTED = time.time()


class UnknownError(Exception):
    """This value cannot be told."""


def worked_out(declared, module, project, notice):
    """{key of prefect.yaml: value} of the dynamic values of a declaration, as far as they go.

    `declared` is {"path", "line", "name", "dynamic"}; keys into the work pool have a dot.
    """
    try:
        with open(os.path.join(project.root, *declared["path"].split("/")), "rb") as source:
            tree = ast.parse(source.read())
        call = the_call(tree, declared)
        namespace = namespace_of(declared["path"], module, project)
    except BaseException as error:
        notice("what %s declares is not known: %s" % (declared["path"], describe(error)))
        return {}
    found = {}
    scope = Scope(tree, call, namespace)
    for key, parameter, node in arguments(call, tree, scope, declared["dynamic"]):
        try:
            value = as_declared(parameter, node, scope)
        except BaseException as error:
            notice("%s of %r is not known: %s" % (parameter, declared["name"], describe(error)))
            continue
        if key == "schedules":
            value = found.get(key, []) + value
        found[key] = value
    return found


def the_call(tree, declared):
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _METHODS
        and node.lineno == declared["line"]
    ]
    named = [call for call in calls if constant_name(call) == declared["name"]]
    chosen = named or calls
    if len(chosen) != 1:
        raise UnknownError("%d calls stand at line %d" % (len(chosen), declared["line"]))
    return chosen[0]


def constant_name(call):
    given = [keyword.value for keyword in call.keywords if keyword.arg == "name"] or call.args[:1]
    try:
        return ast.literal_eval(given[0]) if given else None
    except ValueError:
        return None


def namespace_of(path, module, project):
    """Of the flow's own file, or of the other one, which is loaded for it."""
    if path == project.path:
        return dict(vars(module))
    other = type(project)(project.root, path)
    _, loaded, code = as_module(other, [os.path.dirname(other.file), other.root])
    run(code, loaded, other)
    return dict(vars(loaded))


class Scope:
    """Evaluates expressions; a name that the module has not is looked for above the call."""

    def __init__(self, tree, call, namespace):
        self.namespace = namespace
        self._line = call.lineno
        self._bindings = [node for node in ast.walk(tree) if is_binding(node)]
        self._tried = set()

    def value(self, node):
        try:
            return eval(compile(ast.Expression(node), "<declaration>", "eval"), self.namespace)
        except NameError as error:
            if not self._bind(missing_name(error)):
                raise
        return self.value(node)

    def _bind(self, name):
        """Run the assignment or import above the call that gives a local name its value."""
        above = [
            node
            for node in self._bindings
            if node.lineno < self._line and name in names_bound(node)
        ]
        if not above or name in self._tried:
            return False
        self._tried.add(name)
        statement = max(above, key=lambda node: node.lineno)
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            block = ast.parse("")
            block.body = [statement]
            exec(compile(block, "<declaration>", "exec"), self.namespace)
        else:
            self.namespace[name] = self.value(statement.value)
        return True


def is_binding(node):
    if isinstance(node, ast.Assign):
        return len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    if isinstance(node, ast.AnnAssign):
        return isinstance(node.target, ast.Name) and node.value is not None
    return isinstance(node, (ast.Import, ast.ImportFrom))


def names_bound(node):
    if isinstance(node, ast.Assign):
        return {node.targets[0].id}
    if isinstance(node, ast.AnnAssign):
        return {node.target.id}
    return {alias.asname or alias.name.split(".")[0] for alias in node.names}


def missing_name(error):
    return getattr(error, "name", None) or str(error).partition("'")[2].partition("'")[0]


# The arguments of the call


def arguments(call, tree, scope, dynamic):
    """(key, parameter, expression or value) of each argument that is wanted."""
    given = list(zip(_POSITIONAL, call.args))
    for keyword in outer_keywords(call, tree) + call.keywords:
        if keyword.arg is not None:
            given.append((keyword.arg, keyword.value))
        elif "**" in dynamic:
            given += sorted(unpacked(keyword.value, scope).items())
    last = dict(given)
    for parameter, node in last.items():
        key = key_of(parameter)
        if key is not None and (key in dynamic or not isinstance(node, ast.AST)):
            yield key, parameter, node


def outer_keywords(call, tree):
    """Of the `deploy(a.to_deployment(…), …, work_pool_name=…)` around the call."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or node is call:
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in _TOGETHER and any(call is inner for arg in node.args for inner in ast.walk(arg)):
            return [key for key in node.keywords if key.arg in ("work_pool_name", "image")]
    return []


def unpacked(node, scope):
    try:
        return dict(scope.value(node))
    except BaseException:
        return {}


def key_of(parameter):
    if parameter in _SCHEDULES:
        return "schedules"
    return _WORK_POOL.get(parameter, parameter if parameter in _SAME_NAME else None)


# Values as prefect.yaml has them


def as_declared(parameter, node, scope):
    if parameter == "image" and isinstance(node, ast.Call):
        image = as_image(node, scope)
        if image is not None:
            return image
    value = scope.value(node) if isinstance(node, ast.AST) else node
    if parameter == "image" and type(value).__name__ == "DockerImage":
        return {key: as_json(getattr(value, key)) for key in ("name", "dockerfile")}
    if parameter in ("schedule", "schedules"):
        several = isinstance(value, (list, tuple))
        return [as_schedule(each) for each in (value if several else [value]) if each is not None]
    if parameter in _SCHEDULES:
        several = isinstance(value, (list, tuple))
        return [{parameter: as_json(each)} for each in (value if several else [value])]
    if parameter == "name" and not isinstance(value, str):
        raise UnknownError("it is no text")
    return as_json(value)


def as_image(call, scope):
    """What the author gave: the object itself makes up a tag from the time of day."""
    if getattr(scope.value(call.func), "__name__", "") != "DockerImage":
        return None
    given = dict(zip(_IMAGE_KEYS, call.args))
    given.update({key.arg: key.value for key in call.keywords if key.arg in _IMAGE_KEYS})
    image = {key: as_json(scope.value(node)) for key, node in given.items()}
    return {key: value for key, value in image.items() if value is not None}


def as_schedule(value):
    if isinstance(value, dict):
        found = dict(value)
        inner = found.pop("schedule", None)
        flat = as_schedule(inner) if inner is not None else {}
        flat.update({key: as_json(each) for key, each in found.items() if each is not None})
        return flat
    inner = getattr(value, "schedule", None)
    found = as_schedule(inner) if inner is not None else {}
    for key in _SCHEDULE_KEYS:
        each = getattr(value, key, None)
        if each is not None and each != {}:
            found[key] = as_json(each)
    if getattr(value, "active", True) is False:
        found["active"] = False
    if found.get("day_or") is True:
        del found["day_or"]
    anchor = getattr(value, "anchor_date", None)
    if "interval" in found and anchor is not None and anchor.timestamp() < _STARTED:
        found["anchor_date"] = anchor.isoformat()  # a later one is the default: now
    if not found:
        raise UnknownError("%s is no schedule" % type(value).__name__)
    return found


def as_json(value):
    if isinstance(value, enum.Enum):
        return as_json(value.value)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and value - value == 0:
        return value
    if isinstance(value, datetime.timedelta):
        seconds = value.total_seconds()
        return int(seconds) if seconds == int(seconds) else seconds
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): as_json(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(each) for each in value]
    if isinstance(value, (set, frozenset)):
        return sorted((as_json(each) for each in value), key=str)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise UnknownError("a value of type %s cannot be sent" % type(value).__name__)
