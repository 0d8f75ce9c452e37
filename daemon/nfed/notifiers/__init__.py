"""Tells whoever supervises the daemon what it does, and that it moves on.

`systemd` speaks sd_notify(3) (READY, STATUS, RELOADING, STOPPING, WATCHDOG) and takes sockets that
systemd opened. `beacon` feeds the watchdog each second, but only while work moves: a job that hangs
in a loop that turns must starve it, and waiting for a database must not. `status` writes the line.

What is looked at is the service's business (`service.lookout`); nothing here knows a pipeline.
"""
