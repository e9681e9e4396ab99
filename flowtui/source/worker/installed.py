"""What is installed, and which of it a flow needs. Reads metadata files: Python 3.7 has no
importlib.metadata."""

import ast
import importlib.util
import os
import re
import sys


class Distribution:
    def __init__(self, folder, info):
        self.folder = folder
        self.info = info
        self._metadata = None
        self._files = None
        self._top_level = None

    def _read(self, *names):
        paths = (os.path.join(self.info, name) for name in names)
        path = next((path for path in paths if os.path.isfile(path)), None)
        if path is None:
            return ""
        with open(path, encoding="utf-8", errors="replace") as text:
            return text.read()

    @property
    def metadata(self):
        if self._metadata is None:
            self._metadata = []
            for line in self._read("METADATA", "PKG-INFO").splitlines():
                if not line.strip():
                    break
                key, colon, value = line.partition(":")
                if colon and not line[0].isspace():
                    self._metadata.append((key.strip().lower(), value.strip()))
        return self._metadata

    def _field(self, name):
        return next((value for key, value in self.metadata if key == name), "")

    @property
    def name(self):
        return self._field("name")

    @property
    def version(self):
        return self._field("version")

    @property
    def files(self):
        if self._files is None:
            lines = self._read("RECORD").splitlines() or self._read("installed-files.txt").split()
            self._files = {
                os.path.normpath(os.path.join(self.folder, line.split(",")[0].strip('"')))
                for line in lines
            }
        return self._files

    @property
    def top_level(self):
        if self._top_level is None:
            self._top_level = self._importable()
        return self._top_level

    def _importable(self):
        names = set(self._read("top_level.txt").split())
        if names:
            return names
        for path in self.files:
            if not path.startswith(self.folder + os.sep):
                continue
            first = path[len(self.folder) + 1 :].split(os.sep)[0]
            if not first.endswith((".dist-info", ".egg-info", ".pth")):
                names.add(first.split(".")[0])
        return names

    def requirements(self, of_extras):
        """Names this distribution requires; those of its extras, or those without extras."""
        names = set()
        for key, value in self.metadata:
            if key == "requires-dist" and ("extra ==" in value) == of_extras:
                names.add(normal(re.split(r"[\s\[;(<>=!~]", value, maxsplit=1)[0]))
        return names


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


_known = {}
"""What was found on a search path: a process forked from one that has looked need not look."""


def distributions():
    """Every installed distribution by its normalized name; the first on sys.path wins."""
    path = tuple(sys.path)
    if path not in _known:
        _known[path] = found_on(path)
    return _known[path]


class Installed(dict):
    """Distributions by their normalized names."""

    _owners = None

    @property
    def owners(self):
        """Names of those that a top-level module may belong to."""
        if self._owners is None:
            self._owners = {}
            for key, distribution in self.items():
                for top in distribution.top_level:
                    self._owners.setdefault(top, []).append(key)
        return self._owners


def found_on(path):
    found = Installed()
    for folder in path:
        try:
            entries = sorted(os.listdir(folder or "."))
        except OSError:
            continue
        for entry in entries:
            if not entry.endswith((".dist-info", ".egg-info")):
                continue
            info = os.path.join(folder, entry)
            if not os.path.isdir(info):
                continue
            distribution = Distribution(os.path.normpath(folder), info)
            if distribution.name:
                found.setdefault(normal(distribution.name), distribution)
    return found


def imported_names(path):
    """Dotted names a file imports absolutely, wherever the statement stands in it."""
    try:
        with open(path, "rb") as source:
            tree = ast.parse(source.read())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module)
            names.update(node.module + "." + alias.name for alias in node.names)
    return names


def packages(paths, local, installed, imported):
    """[[name, version]] of the distributions these files import, without Prefect itself."""
    names = set()
    for path in paths:
        names |= imported_names(path)
    owners = installed.owners
    keys = set()
    for name in names:
        top = name.split(".")[0]
        if top not in local:
            keys.update(owners_of(name, owners.get(top, []), installed))
    keys |= extras_in_use(installed, owners, imported)
    keys -= {"prefect", "cloudpickle"}
    chosen = [installed[key] for key in sorted(keys)]
    return [[distribution.name, distribution.version] for distribution in chosen]


def owners_of(name, candidates, installed):
    """One name can be shared (`google.…`): then the files tell whose the module is."""
    if len(candidates) < 2:
        return candidates
    module = sys.modules.get(name)
    path = getattr(module, "__file__", None) or module_file(name)
    if path is None:
        return []
    path = os.path.normpath(path)
    return [key for key in candidates if path in installed[key].files]


def module_file(name):
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, AttributeError, ValueError):
        return None
    return spec.origin if spec is not None and spec.has_location else None


def extras_in_use(installed, owners, imported):
    """Optional requirements of Prefect that got loaded with the flow, for example boto3."""
    prefect = installed.get("prefect")
    if prefect is None:
        return set()
    optional = prefect.requirements(True) - prefect.requirements(False)
    loaded = {name.split(".")[0] for name in imported}
    return {key for top in loaded for key in owners.get(top, ()) if key in optional}
