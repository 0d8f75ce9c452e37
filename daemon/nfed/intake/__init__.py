"""Knows the drop folder on disk: what lies in it, who owns it, and where each file is put away.

`folder` holds the lock (`.nfed.lock`: one daemon owns a folder), names what lies there, and looks
closer at one file: its version, and whether somebody on this machine has it open for writing, by
trying for a lease. `watcher` turns events of the file system into one hint, "look now"; an event
that is lost costs time, since the scan is the truth.

`shelves` puts files whose fate is on record into done/ or failed/, with the reason beside what was
refused, never over a namesake (`rename`), and syncs the folders. `moved` sees to it that what lies
in done/ is what was read, also where a producer writes in place. `refused` lists what was refused
and puts it back. `strikes` remembers which files killed a worker.

Only the lock's holder moves anything. What a file says, and how it ends, is decided elsewhere.
"""
