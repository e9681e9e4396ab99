"""The project's folder, and how the flow file is a module in it."""

import ast
import importlib
import importlib.machinery
import importlib.util
import itertools
import keyword
import linecache
import os
import re
import sys
import sysconfig


class Project:
    """The project's folder and what in it is the user's own code."""

    def __init__(self, root, path):
        self.root = os.path.realpath(root)
        self.file = os.path.join(self.root, *path.split("/"))
        self.path = path
        paths = sysconfig.get_paths()
        self._installed = [
            os.path.realpath(paths[key]) + os.sep
            for key in ("stdlib", "platstdlib", "purelib", "platlib")
        ]

    def owns(self, filename):
        if not filename or filename.startswith("<"):
            return False
        real = os.path.realpath(filename)
        if not real.startswith(self.root + os.sep):
            return False
        parts = real[len(self.root) :].split(os.sep)
        if "site-packages" in parts or "dist-packages" in parts:
            return False
        return not any(real.startswith(folder) for folder in self._installed)

    def relative(self, filename):
        real = os.path.realpath(filename)
        if real.startswith(self.root + os.sep):
            return real[len(self.root) + 1 :].replace(os.sep, "/")
        return filename


def prepare_path(project):
    """Python's own rule for scripts (the file's folder first), then the project and its `src`."""
    folders = [os.path.dirname(project.file), project.root]
    source = os.path.join(project.root, "src")
    if os.path.isdir(source) and not os.path.exists(os.path.join(source, "__init__.py")):
        folders.append(source)
    for folder in reversed(folders):
        if folder in sys.path:
            sys.path.remove(folder)
        sys.path.insert(0, folder)


class NotImportable:
    """Keeps the flow file from being imported by name, so that pickling copies its code."""

    def __init__(self, name):
        self._name = name

    def find_spec(self, name, path=None, target=None):
        if name == self._name:
            raise ModuleNotFoundError("%s is the flow file itself" % name, name=name)


def as_module(project, searched=None):
    """(name, module in sys.modules, code) of the flow file, not run yet.

    `searched` are folders in which a script's own relative imports are looked for.
    """
    with open(project.file, "rb") as source:
        text = source.read()
    code = compile(text, project.file, "exec", dont_inherit=True)
    package = package_of(project, text)
    name = module_name(project, package)
    spec = importlib.util.spec_from_file_location(
        name, project.file, submodule_search_locations=None if package else searched
    )
    module = importlib.util.module_from_spec(spec)
    if package:
        importlib.import_module(package)
        module.__package__ = package
    sys.modules[name] = module
    return name, module, code


def run(code, module, project):
    """Run the file's code as a script of that name."""
    sys.argv = [project.file]
    worker = os.getpid()
    try:
        exec(code, module.__dict__)
    finally:
        if os.getpid() != worker:
            os._exit(0)  # a child that the user's code forked off: it has no answer to give


def package_of(project, text):
    """Dotted package when the file imports relatively, else ''. Scripts have no package."""
    if not has_relative_import(text):
        return ""
    folder, parts = package_path(project)
    if parts and folder not in sys.path:
        sys.path.insert(1, folder)
    return ".".join(parts)


def imports_relatively(project):
    with open(project.file, "rb") as source:
        return has_relative_import(source.read())


def has_relative_import(text):
    nodes = ast.walk(ast.parse(text))
    return any(isinstance(node, ast.ImportFrom) and node.level for node in nodes)


def package_path(project):
    """(first folder upwards that is no package, names of the packages below it)."""
    folder = os.path.dirname(project.file)
    parts = []
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder, part = os.path.split(folder)
        parts.insert(0, part)
    return folder, parts


def module_name(project, package):
    stem = os.path.splitext(os.path.basename(project.file))[0]
    if not stem.isidentifier() or keyword.iskeyword(stem):
        stem = re.sub(r"\W", "_", stem)
    if package:
        return package + "." + stem
    elsewhere = [folder for folder in sys.path if folder != os.path.dirname(project.file)]
    taken = stem in sys.modules or stem in sys.builtin_module_names
    if taken or importlib.machinery.PathFinder.find_spec(stem, elsewhere) is not None:
        return stem + "_flow_file"
    return stem


def enclosing_function(project, line):
    if not line:
        return None
    with open(project.file, "rb") as source:
        tree = ast.parse(source.read())
    found = None
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            last = max(getattr(inner, "lineno", 0) for inner in ast.walk(node))
            if node.lineno < line <= last or node.lineno == line == last:
                found = node.name
    return found


def place(project, line):
    return "%s:%d" % (project.path, line) if line else project.path


def newest_import():
    """A mark for `imported_since`."""
    return next(imports_backwards())


def imported_since(mark):
    """Names of the modules that were imported after the one of this name."""
    return list(itertools.takewhile(lambda name: name != mark, imports_backwards()))


def imports_backwards():
    """The newest first. Of a forked process's memory looking at all of them would copy much."""
    return reversed(sys.modules if sys.version_info >= (3, 8) else list(sys.modules))


def local_modules(project, imported):
    """[[name, path]] of the project's own among these modules."""
    found = []
    for name in sorted(imported):
        module = sys.modules.get(name)
        if module is None or name in ("__main__", "__mp_main__"):
            continue
        path = getattr(module, "__file__", None)
        if path is None:
            folders = [str(folder) for folder in getattr(module, "__path__", None) or ()]
            if any(project.owns(os.path.join(folder, "x")) for folder in folders):
                found.append([name, ""])
        elif project.owns(path) and os.path.realpath(path) != os.path.realpath(project.file):
            found.append([name, os.path.abspath(path)])
    return found


def frame_at(project, line, function="<module>"):
    text = linecache.getline(project.file, line).strip()
    return {"file": project.path, "line": line, "function": function, "text": text}


def merged(imported, static):
    known = {name for name, _ in imported}
    return sorted(imported + [entry for entry in static if entry[0] not in known])
