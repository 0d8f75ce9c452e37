"""Whatever ends the daemon in the middle of a batch: no file is lost, no note is stored twice."""

import signal

from bench.generator import Note
from tests.support.harness import eventually, notes
from tests.system.service import Service


def test_a_restart_in_the_middle_of_a_batch(service: Service, many: list[Note]):
    service.drop(many)
    service.begins(many)

    service.restart()

    service.finishes(many)
    assert service.restarts() == 0


def test_a_poweroff_in_the_middle_of_a_batch(service: Service, many: list[Note]):
    service.drop(many)
    service.begins(many)

    service.machine.poweroff()
    service.machine.boot()

    service.finishes(many)
    stopped = service.machine.journal("--boot=-1", "--unit=nfed.service")
    assert any(each.get("EVENT") == "daemon_stopped" for each in stopped), (
        "was not stopped in order"
    )


def test_a_power_cut_in_the_middle_of_a_batch(service: Service, many: list[Note]):
    service.drop(many)
    service.begins(many)

    service.machine.cut_power()
    service.machine.boot()

    service.finishes(many)


def test_kill_9_in_the_middle_of_a_batch(service: Service, many: list[Note]):
    service.drop(many)
    service.begins(many)

    service.machine.systemctl("kill", "--kill-whom=main", "--signal=SIGKILL", "nfed.service")

    service.finishes(many)
    assert service.restarts() == 1


def test_a_stopped_process_is_restarted_by_the_watchdog(service: Service):
    service.dropin("[Service]\nWatchdogSec=3s\n")
    service.restart()

    service.machine.systemctl("kill", "--kill-whom=main", "--signal=SIGSTOP", "nfed.service")

    eventually(lambda: service.restarts() == 1 and service.machine.is_active(), "is restarted")
    dropped = notes(2)
    service.drop(dropped)
    service.finishes(dropped)


def test_a_blocked_loop_leaves_a_traceback_and_is_restarted(service: Service):
    """A signal's handler that sleeps stands for code that blocks the loop and never returns."""
    module = "import signal, time\nsignal.signal(signal.SIGUSR1, lambda *_: time.sleep(10_000))\n"
    service.machine.write("/usr/lib/nfed-test/sitecustomize.py", module)
    service.dropin("[Service]\nWatchdogSec=3s\nEnvironment=PYTHONPATH=/usr/lib/nfed-test\n")
    service.restart()

    service.machine.systemctl("kill", "--kill-whom=main", "--signal=SIGUSR1", "nfed.service")

    eventually(lambda: service.restarts() == 1 and service.machine.is_active(), "is restarted")
    said = "\n".join(service.machine.messages())
    assert "Watchdog timeout" in said
    assert "Fatal Python error: Aborted" in said
    assert "sitecustomize.py" in said
    dropped = notes(2)
    service.drop(dropped)
    service.finishes(dropped)


def test_workers_that_are_killed_cost_nothing(service: Service, many: list[Note]):
    """As the kernel does when memory runs out: the service goes on with new ones."""
    machine = service.machine
    workers = machine.said("pgrep", "-P", service.main_pid()).split()
    service.drop(many)
    service.begins(many)

    for pid in workers:
        machine.run("sh", "-c", f"kill -{signal.SIGKILL} {pid}", check=False)

    service.finishes(many)
    assert service.restarts() == 0


def test_a_stop_that_hangs_leaves_a_traceback_and_loses_nothing(service: Service):
    service.dropin("[Service]\nWatchdogSec=3s\nTimeoutStopSec=3s\n")
    machine = service.machine
    service.restart()
    workers = machine.said("pgrep", "-P", service.main_pid()).split()
    machine.run("sh", "-c", f"kill -{signal.SIGSTOP} {' '.join(workers)}")
    dropped = notes(5)
    service.drop(dropped)
    service.says("has 5 files")

    machine.systemctl("stop", "nfed.service")

    said = "\n".join(machine.messages())
    assert "Fatal Python error: Aborted" in said
    assert service.show("Result") == "timeout"
    machine.systemctl("start", "nfed.service")
    service.finishes(dropped)
