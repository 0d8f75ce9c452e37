"""How long to wait before one more attempt at a port that the world keeps shut."""

from tenacity import RetryCallState, wait_random_exponential

from daemon.errors import StoreUnavailable

_JITTERED = wait_random_exponential(multiplier=0.25, max=15)


def back_off(state: RetryCallState) -> float:
    """Seconds: more with each attempt, with jitter, and no less than the port asked for."""
    error = state.outcome.exception() if state.outcome else None
    asked_seconds = error.retry_after_seconds if isinstance(error, StoreUnavailable) else None
    return max(_JITTERED(state), asked_seconds or 0.0)
