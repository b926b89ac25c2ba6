"""Processes that share a cohort's work, on this machine or on a cluster, by dask.distributed.

Each worker plans one subject at a time and keeps its own cores to itself: workers × threads = cores. The module
imports distributed only inside its functions, since that takes a second.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from socket import create_connection
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from anodyne.errors import WorkersLost
from anodyne.units import GiB, minute

if TYPE_CHECKING:
    from distributed import Client, Future

MEMORY_FOR_ONE = 4 * GiB
"""What a worker should have: a head of 1.65 million tetrahedra took 1.6 GiB at its peak, so 4 million take about that.
The default number of workers keeps to it."""

PATIENCE = 10 * minute
"""How long to wait for a worker when a cluster has none."""

LOOK_EVERY = 1.0
"""Seconds between looks at whether anybody is still working."""

ANSWER_WITHIN = 20.0
"""Seconds in which a scheduler must answer."""

FAREWELL = 20.0
"""Seconds that a worker which is just starting is given before it is sent home: an earlier end would be noisy."""


DEAF_TO_INTERRUPTS = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
"""What a worker runs when it starts: Ctrl-C is for the command, which ends its workers itself."""


@dataclass(frozen=True, kw_only=True)
class Lost:
    """In place of a result: the process died over this piece of work, again and again.

    Attributes
    ----------
    attempts : how often it was tried
    """

    attempts: int


class Workers:
    """Processes that run functions; made by `local_workers` and `cluster_workers`.

    Parameters
    ----------
    client : connected
    place : what to call them in a sentence
    patience : s without a single worker after which they are given up
    """

    def __init__(self, client: "Client", *, place: str, patience: float) -> None:
        self._client, self.place, self._patience = client, place, patience
        self._seen = monotonic()

    @property
    def dashboard_link(self) -> str | None:
        """Where to watch them in a browser; None where there is no dashboard (it needs bokeh)."""
        return str(self._client.dashboard_link) if find_spec("bokeh") is not None else None

    @property
    def count(self) -> int:
        """How many there are now."""
        return len(self._client.scheduler_info()["workers"])

    def results(self, function: Callable[..., Any], pieces: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """``(index, function(*pieces[index]))`` in the order in which they come; `Lost` where the process died.

        An exception of the function is given in place of its result, not raised.

        Raises
        ------
        WorkersLost : the scheduler died, or for a while there was no worker at all
        """
        from distributed import CancelledError, wait

        run = uuid4().hex
        try:
            waiting = {
                self._client.submit(function, *piece, key=f"{function.__name__}-{index}-{run}", pure=False): index
                for index, piece in enumerate(pieces)
            }
            self._seen = monotonic()
            while waiting:
                try:
                    with self._client.as_current():
                        done = wait(list(waiting), timeout=LOOK_EVERY, return_when="FIRST_COMPLETED").done
                except TimeoutError:
                    self._look()
                    continue
                for future in done:
                    yield waiting.pop(future), _result(future)
        except (CancelledError, OSError) as error:
            raise WorkersLost(f"the scheduler of {self.place} cannot be reached any more") from error

    def _look(self) -> None:
        """Raise `WorkersLost` when there has been no worker for too long."""
        if self.count:
            self._seen = monotonic()
        elif monotonic() - self._seen > self._patience:
            waited = self._patience / minute
            raise WorkersLost(f"{self.place} has had no worker for {waited:.3g} min")


def _result(future: "Future") -> Any:
    from distributed.scheduler import KilledWorker

    if future.status == "finished":
        return future.result()
    error = future.exception()
    if isinstance(error, KilledWorker):
        return Lost(attempts=error.allowed_failures + 1)
    return error


@contextmanager
def local_workers(count: int | None = None, *, pieces: int | None = None) -> Iterator[Workers]:
    """Processes on this machine, each with its share of cores and memory, ended with the block.

    A worker that dies is started again, and its piece of work is tried once more.

    Parameters
    ----------
    count : how many; by default one for each core, fewer where they would have less than 4 GiB each
    pieces : of work there are; more workers are never started

    Raises
    ------
    ValueError : fewer than one
    WorkersLost : no process can be started
    """
    import dask
    from dask.system import CPU_COUNT
    from distributed import Client, LocalCluster
    from distributed.system import MEMORY_LIMIT

    if count is None:
        count = max(1, min(CPU_COUNT, int(MEMORY_LIMIT // MEMORY_FOR_ONE)))
    if count < 1:
        raise ValueError(f"work needs at least one worker, not {count}")
    count = count if pieces is None else max(1, min(count, pieces))
    threads = max(1, CPU_COUNT // count)
    options = {
        "distributed.scheduler.allowed-failures": 1,
        "distributed.scheduler.worker-saturation": 1.0,  # one piece each: a death is nobody else's fault
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
    }
    with dask.config.set(options), _hushed():
        try:
            cluster = LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                memory_limit=MEMORY_LIMIT // count,
                env={"NUMBA_NUM_THREADS": str(threads)},
                preload=[DEAF_TO_INTERRUPTS],
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
            )
        except (OSError, RuntimeError) as error:
            raise WorkersLost(f"no worker can be started on this machine ({error}); check memory and ports") from error
        with cluster, Client(cluster, set_as_default=False) as client:
            try:
                yield Workers(client, place="this machine", patience=PATIENCE)
            finally:
                with suppress(TimeoutError, OSError):
                    client.wait_for_workers(count, timeout=FAREWELL)


@contextmanager
def cluster_workers(address: str, *, patience: float = PATIENCE) -> Iterator[Workers]:
    """The workers of a running scheduler, which goes on when the block ends.

    Parameters
    ----------
    address : of the scheduler, such as ``tcp://10.0.0.5:8786``
    patience : s without a single worker after which they are given up

    Raises
    ------
    WorkersLost : no scheduler answers there
    """
    from distributed import Client
    from distributed.comm import get_address_host_port

    with _hushed():
        try:
            if not address.startswith("inproc://"):  # a Client that finds nobody takes long and is noisy about it
                create_connection(get_address_host_port(address), timeout=ANSWER_WITHIN).close()
            client = Client(address, set_as_default=False, timeout=ANSWER_WITHIN)
        except (OSError, ValueError) as error:
            raise WorkersLost(
                f"no scheduler answers at {address}; start one ('dask scheduler') or mend the address"
            ) from error
        try:
            yield Workers(client, place=f"the cluster at {address}", patience=patience)
        finally:
            client.close(timeout=2)


@contextmanager
def _hushed() -> Iterator[None]:
    """Distributed's own log, which nobody asked for, is silent within the block."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
