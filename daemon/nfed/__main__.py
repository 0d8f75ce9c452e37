"""Runs `nfed`; `python -m nfed` is the same."""

import errno
import sys

_TRY_AGAIN = 75  # as in cli/exits, which may be what there is no memory for
_IN_AN_IMPORT = ("allocate memory", "failed to map segment")


def main() -> None:
    """The installed command. Where memory is too short to start, one line says so."""
    try:
        from nfed.cli import app  # within the try: loading is what takes the memory

        app()
    except Exception as error:
        found = _shortage(error)
        if found is None:
            raise
        sys.stderr.write(
            f"nfed: not enough memory, or no further thread allowed ({found}); allow more "
            "(MemoryMax= and TasksMax= of the unit, ulimit -v and -u)\n"
        )
        sys.exit(_TRY_AGAIN)


def _shortage(error: BaseException) -> str | None:
    """What there was too little for, also inside the groups that task groups raise."""
    match error:
        case MemoryError():
            return "MemoryError"
        case OSError(errno=errno.ENOMEM):
            return str(error)
        case ImportError() if any(each in str(error) for each in _IN_AN_IMPORT):
            return str(error)
        case RuntimeError() if "start new thread" in str(error):
            return str(error)
        case SystemError() if "without exception set" in str(error):
            return "MemoryError"  # of a C function that had no memory to say so
        case ExceptionGroup():
            return next(filter(None, map(_shortage, error.exceptions)), None)
        case _:
            return None


if __name__ == "__main__":
    main()
