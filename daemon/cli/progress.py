"""What an import shows of itself: a bar on a terminal, plain lines in a pipe."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from daemon.app import Tally
from daemon.cli import output
from daemon.core.arrival import shown
from daemon.core.job import Job
from daemon.core.outcome import Deferred, Refused
from daemon.core.ports import Fate
from daemon.flow.processor import Observer


@contextmanager
def shown_progress(count: Callable[[], int]) -> Iterator[Observer]:
    """An observer that says what becomes of the files while the block runs.

    `count` tells how many to expect; it is asked only for a bar.
    """
    if not output.on_terminal():
        yield _say_remarks
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TimeRemainingColumn(),
        TextColumn("left,"),
        TextColumn("{task.fields[refused]} refused"),
        console=output.console(),
        # Log lines go above the bar, where they do not tear it.
        redirect_stderr=sys.stderr.isatty(),
    )
    task = bar.add_task("importing", total=count(), refused=0)
    refused = 0

    def observe(job: Job, fates: Sequence[Fate]) -> None:
        nonlocal refused
        for line in _remarks(job, fates):
            bar.console.print(Text(line), soft_wrap=True)
        refused += sum(isinstance(fate.outcome, Refused) for fate in fates)
        bar.update(task, advance=len(fates), refused=refused)

    with bar:
        yield observe


def summary(tally: Tally, seconds: float) -> str:
    """The last line."""
    done = tally.total - tally.left
    speed = f" ({done / seconds:.0f}/s)" if done and seconds > 0 else ""
    return (
        f"{output.plural(tally.total, 'file')} in {seconds:.1f} s{speed}: "
        f"{tally.imported:,} imported, {tally.updated:,} updated, {tally.duplicate:,} duplicate, "
        f"{tally.refused:,} refused, {tally.left:,} left"
    )


def _say_remarks(job: Job, fates: Sequence[Fate]) -> None:
    try:
        for line in _remarks(job, fates):
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # nobody listens any more; the import goes on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _remarks(job: Job, fates: Sequence[Fate]) -> Iterator[str]:
    """A line for each file that was not imported."""
    for fate in fates:
        name = shown(f"{job.folder_path}/{fate.arrival.path}")
        match fate.outcome:
            case Refused(error, error_type):
                yield f"refused {name}: {error_type}: {shown(' '.join(error.split()))}"
            case Deferred(reason, detail):
                yield f"left {name}: {reason.value}: {shown(detail)}"
            case _:
                continue


class _Speed(ProgressColumn):
    """Files a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("– files/s" if speed is None else f"{speed:.0f} files/s")
