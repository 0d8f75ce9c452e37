"""The one table of events. Names and ids are public; the journal's catalog is made from it."""

from daemon.logs.event import Event
from daemon.logs.events_of_http import EVENTS_OF_HTTP
from daemon.logs.events_of_jobs import EVENTS_OF_JOBS
from daemon.logs.events_of_service import EVENTS_OF_SERVICE
from daemon.logs.events_of_world import EVENTS_OF_WORLD

EVENTS: dict[str, Event] = EVENTS_OF_SERVICE | EVENTS_OF_JOBS | EVENTS_OF_WORLD | EVENTS_OF_HTTP
