"""Look whether this machine can run and publish reports, and say what to do where it cannot."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jupyter_client.manager import KernelManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from siyu.data import SourceError, open_source
from siyu.data.room import memory_limit, spill_folder, spill_place
from siyu.figures import chinese_font
from siyu.language import speaking
from siyu.phrases import phrase
from siyu.report.config import Config

OLDEST_PYTHON = (3, 11)
_PIN = re.compile(r"^[\w.-]+==[^\\\n]+", re.MULTILINE)
_KERNEL_SECONDS = 60
_MOST_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing looked at: whether it is in order, and what to do if not."""

    ok: bool
    text: str


def examine(config: Config, *, out: Path) -> Iterator[Finding]:
    """Look at what a run needs, in the language spoken now.

    Args:
        config: the report to be run.
        out: the folder of all reports; nothing is left there.
    """
    yield _python(sys.version_info[:3])
    yield _packages(config.root / "requirements.lock")
    yield _kernel()
    font = chinese_font()
    yield _say(bool(font), "font", "font_missing", name=font)
    yield _writable(out)
    yield _engine()
    yield from _source(config)


def _python(version: tuple[int, ...]) -> Finding:
    shown = ".".join(map(str, version))
    return _say(version >= OLDEST_PYTHON, "python", "python_old", version=shown)


def _packages(lock: Path) -> Finding:
    """Compare what is installed with what was resolved, and tested, together."""
    if not lock.is_file():
        return _say(False, "", "lock_missing", path=lock.parent)
    there = {canonicalize_name(one.name): one.version for one in metadata.distributions()}
    pins = map(Requirement, _PIN.findall(lock.read_text(encoding="utf-8")))
    here = [pin for pin in pins if not pin.marker or pin.marker.evaluate()]
    differ = [
        f"{pin} ({there.get(canonicalize_name(pin.name), '-')})"
        for pin in (Requirement(f"{one.name}{one.specifier}") for one in here)
        if there.get(canonicalize_name(pin.name), "") not in pin.specifier
    ]
    shown = ", ".join(differ[:_MOST_SHOWN]) + (" …" if len(differ) > _MOST_SHOWN else "")
    return _say(not differ, "lock", "lock_differs", packages=shown)


def _kernel() -> Finding:
    """Start the kernel that runs the notebooks, and ask it whose Python it is."""
    said: list[str] = []
    with tempfile.TemporaryDirectory(prefix="siyu-") as sockets:
        manager = KernelManager(kernel_name="python3", transport="ipc", ip=f"{sockets}/k")
        try:
            manager.start_kernel()
        except Exception as error:
            return _say(False, "", "kernel_missing", reason=error)
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=_KERNEL_SECONDS)
            client.execute_interactive(
                "import sys; print(sys.prefix)",
                timeout=_KERNEL_SECONDS,
                output_hook=lambda message: said.append(message["content"].get("text", "")),
            )
        except Exception as error:
            return _say(False, "", "kernel_missing", reason=error)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    prefix = "".join(said).strip()
    return _say(prefix == sys.prefix, "kernel", "kernel_elsewhere", path=prefix)


def _writable(out: Path) -> Finding:
    """Write a file where the reports go, or where their folder would be made, and remove it."""
    place = next(place for place in (out, *out.resolve().parents) if place.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".siyu-"):
            pass
    except OSError as error:
        return _say(False, "", "not_writable", path=out, reason=error.strerror)
    return _say(True, "writable", "", path=out)


def _engine() -> Finding:
    """Look how much memory the engine may take, and whether what is over can be put somewhere."""
    try:
        memory = memory_limit()
        with spill_folder() as folder:
            free_gb = shutil.disk_usage(folder).free / 1e9
    except SourceError as error:
        return _say(False, "", "no_room", reason=error)
    return _say(True, "room", "", memory=memory, path=spill_place(), free=free_gb)


def _source(config: Config) -> Iterator[Finding]:
    asked = {str(study.parameters.get("timezone", "")) for study in config.studies} - {""}
    for zone in sorted(asked):
        yield _zone(zone)
    try:
        with speaking("en"):  # what is wrong with a source is said as `siyu check` says it
            source = open_source(config.source)
    except SourceError as error:
        yield _say(False, "", "source_bad", reason=error)
        return
    yield _say(True, "source", "", name=source.name)
    yield _zone(source.timezone)


def _zone(name: str) -> Finding:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return _say(False, "", "zone_unknown", zone=name)
    return _say(True, "zone", "", zone=name)


def _say(ok: bool, good: str, bad: str, **values: object) -> Finding:
    return Finding(ok=ok, text=phrase(f"doctor.{good if ok else bad}", **values))
