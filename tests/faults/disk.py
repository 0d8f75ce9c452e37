"""A disk of its own that can lose its power: a file system on a loop device."""

import fcntl
import os
import struct
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.support.harness import eventually

_SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN (ext4, xfs)
_NO_LOG_FLUSH = 2  # what is in memory is lost, journal included
_SMALLEST = {"ext4": "128M", "xfs": "512M"}
KINDS = tuple(_SMALLEST)


class Disk:
    """One file system, mounted at `where`; its image lies in memory, so that it is quick."""

    def __init__(self, where: Path, kind: str) -> None:
        self.where = where
        self._kind = kind
        descriptor, self._image = tempfile.mkstemp(dir="/dev/shm", prefix="nfed-faults-")
        os.close(descriptor)
        where.mkdir()
        subprocess.run(["truncate", "-s", _SMALLEST[kind], self._image], check=True)
        subprocess.run([f"mkfs.{kind}", "-q", self._image], check=True)
        self.mount()

    def mount(self) -> None:
        """Plugs it in; the file system repairs itself from its journal."""
        # A device of its own each time: mount would take the old one, which takes nothing more.
        found = subprocess.run(
            ["losetup", "--find", "--show", self._image], check=True, stdout=subprocess.PIPE
        )
        self._device = found.stdout.decode().strip()
        try:
            # xfs refuses a second one of the same UUID, be the first only waiting to be let go.
            options = ["-o", "nouuid"] if self._kind == "xfs" else []
            subprocess.run(["mount", *options, self._device, self.where], check=True)
        finally:
            subprocess.run(["losetup", "--detach", self._device], check=True)  # when unmounted

    def unmount(self) -> None:
        """Unplugs it, as soon as nobody uses it."""
        eventually(
            lambda: subprocess.run(["umount", self.where], capture_output=True).returncode == 0,
            f"{self.where} is unmounted",
        )

    def cut(self) -> None:
        """Takes its power away: from now on every access fails, and nothing more gets onto it."""
        descriptor = os.open(self.where, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def turn_read_only(self) -> None:
        """As ext4 does when it meets an error and errors=remount-ro is set."""
        subprocess.run(["mount", "-o", "remount,errors=remount-ro", self.where], check=True)
        Path(f"/sys/fs/ext4/{os.path.basename(self._device)}/trigger_fs_error").write_text(
            "nfed", "ascii"
        )

    def power_cut(self, kill: Callable[[], None]) -> None:
        """The whole machine loses its power, and has it again."""
        self.cut()
        kill()
        self.unmount()
        self.mount()

    def replug(self) -> None:
        """Unplugs one that takes nothing more, though somebody may have a file of it open, and
        plugs it in."""
        subprocess.run(["umount", "--lazy", self.where], check=True)
        self.mount()

    def throw_away(self) -> None:
        """Also while it is in use."""
        subprocess.run(["umount", "--lazy", self.where], capture_output=True)
        os.unlink(self._image)
