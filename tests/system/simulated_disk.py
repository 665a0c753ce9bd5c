"""What a disk holds after a power failure, from the log of kill_at_write.c: what was synced, and any part of what was not.

A file's bytes are on the disk once the process that wrote them has synced the file; a name is once its folder was synced. Of all else any part may
be there: of bytes pages of 4 KiB, of sizes the old or the new one, of names those that were changed first. So a file system is modelled that keeps no
order among files, on which machines write together: more is lost than most lose.
"""
import pathlib

PAGE = 4096


class File:
    def __init__(self):
        self.synced = bytearray()
        self.waiting = []  # (process, what): ("write", offset, bytes) or ("size", bytes, whether it may shrink)

    def change(self, process, *what):
        self.waiting.append((process, what))

    def sync(self, process):
        for by, what in self.waiting:
            if by == process:
                apply(self.synced, what)
        self.waiting = [each for each in self.waiting if each[0] != process]

    def left(self, keeps):
        """keeps(): whether a part that was not synced is there all the same."""
        found = bytearray(self.synced)
        for _, what in self.waiting:
            if what[0] == "size":
                if keeps():
                    apply(found, what)
                continue
            _, offset, data = what
            begin = offset
            while begin < offset + len(data):
                end = min((begin // PAGE + 1) * PAGE, offset + len(data))
                if keeps():
                    apply(found, ("write", begin, data[begin - offset:end - offset]))
                begin = end
        return bytes(found)

    def now(self):
        return self.left(lambda: True)


def apply(data, what):
    if what[0] == "write":
        _, offset, written = what
        if len(data) < offset:
            data.extend(bytes(offset - len(data)))
        data[offset:offset + len(written)] = written
    else:
        _, size, shrinks = what
        if shrinks:
            del data[size:]
        data.extend(bytes(max(0, size - len(data))))


class Folder:
    def __init__(self):
        self.synced, self.names = {}, {}  # name → File or Folder: on the disk, and as processes see it


class Rename:
    """One change of names, of one folder or two: whole or not at all. (folder, name, what is there then: None: nothing)"""

    def __init__(self, *changes):
        self.changes, self.done = changes, False

    def apply(self, names_of):
        for folder, name, there in self.changes:
            if there is None:
                names_of(folder).pop(name, None)
            else:
                names_of(folder)[name] = there


class Disk:
    def __init__(self, root):
        self.root_path, self.root, self.waiting = pathlib.Path(root), Folder(), []

    def _parent(self, path):
        """The folder that holds a path, and its name there. None of what lies elsewhere or is gone."""
        try:
            parts = pathlib.Path(path).relative_to(self.root_path).parts
        except ValueError:
            return None, ""
        folder = self.root
        for part in parts[:-1]:
            folder = folder.names.get(part)
            if not isinstance(folder, Folder):
                return None, ""
        return (folder, parts[-1]) if parts else (None, "")

    def _at(self, path):
        if pathlib.Path(path) == self.root_path:
            return self.root
        folder, name = self._parent(path)
        return None if folder is None else folder.names.get(name)

    def _rename(self, *changes):
        rename = Rename(*changes)
        rename.apply(lambda folder: folder.names)
        self.waiting.append(rename)

    def _make(self, path, kind):
        folder, name = self._parent(path)
        if folder is not None and name not in folder.names:
            self._rename((folder, name, kind()))

    def act(self, line, data):
        """One line of the log. data: takes so many bytes from what was written."""
        what, process, offset, size, path = line.split(" ", 4)
        offset, size = int(offset), int(size)
        written = data(size) if what == "write" else b""
        if path.endswith(" (deleted)"):
            return
        if what == "rename":
            before, after = path[:size], path[size + 1:]
            (old, old_name), (new, new_name) = self._parent(before), self._parent(after)
            self._rename((old, old_name, None), (new, new_name, old.names[old_name]))
        elif what == "remove":
            folder, name = self._parent(path)
            if folder is not None:  # else another process took its folder away before this one's line was written
                self._rename((folder, name, None))
        elif what == "mkdir":
            self._make(path, Folder)
        elif what in ("create", "renew"):
            self._make(path, File)
            if what == "renew" and self._at(path).now():
                self._at(path).change(process, "size", 0, True)
        elif what == "sync":
            self._sync(process, self._at(path))
        elif what == "write":
            self._at(path).change(process, "write", offset, written)
        else:  # allocate, truncate
            self._at(path).change(process, "size", size, what == "truncate")

    def _sync(self, process, what):
        if isinstance(what, File):
            what.sync(process)
        if isinstance(what, Folder):
            for rename in self.waiting:
                if any(folder is what for folder, *_ in rename.changes):
                    rename.apply(lambda folder: folder.synced)
                    rename.done = True
            self.waiting = [each for each in self.waiting if not each.done]

    def leave(self, target, renames, keeps):
        """Writes into the folder `target` what is left: the first `renames` of the names that wait, and what keeps() says of bytes."""
        names = {}

        def names_of(folder):
            return names.setdefault(id(folder), dict(folder.synced))

        for rename in self.waiting[:renames]:
            rename.apply(names_of)

        def write(folder, path):
            path.mkdir(exist_ok=True)
            for name, there in names_of(folder).items():
                if isinstance(there, File):
                    (path / name).write_bytes(there.left(keeps))
                else:
                    write(there, path / name)

        write(self.root, pathlib.Path(target))
