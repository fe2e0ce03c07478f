"""A disk that fails on demand, for the fault tests: broken_disk.py FOLDER MOUNT FAULT mounts FOLDER, to be read only, at MOUNT.

FAULT is a file that says what is wrong: nothing; `EIO` or another error's name, for all that is asked; `EIO read`, for reads alone; `hang`,
and nothing is answered until it says something else. Needs mfusepy (PyPI) and libfuse (Debian's libfuse3-3, fuse3). The kernel keeps
nothing of what it was told, and tells nobody of changes, as it is with disks of other machines.
"""
import errno
import os
import sys
import time

import mfusepy as fuse


class BrokenDisk(fuse.Operations):
    use_ns = True

    def __init__(self, folder, fault):
        self.folder = folder
        self.fault = fault

    def check(self, what):
        while True:
            with open(self.fault) as file:
                words = file.read().split()
            if words != ["hang"]:
                break
            time.sleep(0.01)
        if words and words[1:] in ([], [what]):
            raise fuse.FuseOSError(getattr(errno, words[0]))

    def path(self, path):
        return os.path.join(self.folder, path.lstrip("/"))

    def getattr(self, path, fh=None):
        self.check("getattr")
        try:
            status = os.lstat(self.path(path))
        except OSError as error:
            raise fuse.FuseOSError(error.errno)
        names = ("st_mode", "st_ino", "st_nlink", "st_uid", "st_gid", "st_size")
        times = {f"st_{name}": getattr(status, f"st_{name}_ns") for name in ("atime", "mtime", "ctime")}
        return {name: getattr(status, name) for name in names} | times

    def readdir(self, path, fh):
        self.check("readdir")
        # Names without an inode would be passed over.
        return [(entry.name, {"st_ino": entry.inode()}, 0) for entry in os.scandir(self.path(path))]

    def open(self, path, flags):
        self.check("open")
        try:
            return os.open(self.path(path), os.O_RDONLY)
        except OSError as error:
            raise fuse.FuseOSError(error.errno)

    def read(self, path, size, offset, fh):
        self.check("read")
        return os.pread(fh, size, offset)

    def release(self, path, fh):
        os.close(fh)


if __name__ == "__main__":
    folder, mount, fault = sys.argv[1:]
    fuse.FUSE(
        BrokenDisk(folder, fault), mount, foreground=True, ro=True, attr_timeout=0, entry_timeout=0, negative_timeout=0, use_ino=True)
