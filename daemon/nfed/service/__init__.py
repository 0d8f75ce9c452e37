"""The daemon: runs from start to stop, reloads, answers signals.

`run` is the front door. A `session` runs with one set of settings: it opens the ports, watches the
folder, and runs the pipeline until it is told to stop; SIGHUP reads the settings again (`reload`),
and where more than the log changed, one session ends after its running chunks and another begins.
The folder's lock and the HTTP sockets (`http_port`) outlive a session. `process` holds what belongs
to the process: signals, and how often Python looks for cycles.

The first SIGTERM finishes the running chunks, leaves the rest and exits 0; a second gives up at
once, still losing nothing. `lookout` is what the supervisor sees of a session. `foreground` is
`nfed import`: the same processor, without a watch.

Composition is `wiring`'s; what a file goes through is `flow`'s.
"""
