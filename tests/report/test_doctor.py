"""What keeps a machine from running reports, each with its remedy."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from jupyter_client.kernelspec import NoSuchKernel
from siyu.language import speaking
from siyu.report import doctor
from siyu.report.config import Config, read_config

from tests.report.project import good_cells, write_config, write_notebook, write_source


@pytest.fixture
def config(tmp_path: Path) -> Config:
    write_source(tmp_path)
    (tmp_path / "requirements.lock").write_text(f"pandas=={version('pandas')} \\\n    --hash=x\n")
    write_notebook(tmp_path / "notebooks" / "01_funnel.ipynb", good_cells())
    text = "title: Weekly\nsource: data\nnotebooks:\n  - notebook: 01_funnel\n"
    return read_config(write_config(tmp_path, text))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the kernel out: it takes seconds to start."""
    well = doctor.Finding(ok=True, text="kernel")
    monkeypatch.setattr(doctor, "_kernel", lambda: well)
    monkeypatch.setattr(doctor, "chinese_font", lambda: "Some Font")


def examine(config: Config) -> Iterator[doctor.Finding]:
    return doctor.examine(config, out=config.root / "reports")


def ills(config: Config) -> list[str]:
    return [found.text for found in examine(config) if not found.ok]


@pytest.mark.slow
def test_where_all_is_well_every_line_says_so_and_nothing_is_left(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "chinese_font", lambda: "Some Font")
    there = sorted(config.root.rglob("*"))
    found = list(examine(config))
    assert [one.text for one in found if not one.ok] == []
    assert len(found) == 8
    assert sorted(config.root.rglob("*")) == there


def test_an_old_python_is_named_with_what_is_needed() -> None:
    found = doctor._python((3, 10, 4))
    assert not found.ok
    assert "3.10.4" in found.text
    assert "3.11 or newer" in found.text


@pytest.mark.usefixtures("quick")
def test_packages_other_than_resolved_are_named(config: Config) -> None:
    lock = config.root / "requirements.lock"
    old = "pandas==0.1 ; python_version < '3' \\\n    --hash=sha256:1\n"
    lock.write_text(f"{old}pandas==0.2 \\\n    --hash=sha256:2\nnot-there==1\n{old}")
    (ill,) = ills(config)
    assert f"pandas==0.2 ({version('pandas')})" in ill
    assert "not-there==1 (-)" in ill
    assert "0.1" not in ill.replace(version("pandas"), "")
    lock.write_text("\n".join(f"absent-{n}==1" for n in range(7)))
    (ill,) = ills(config)
    assert "absent-4==1 (-) …" in ill
    lock.unlink()
    (ill,) = ills(config)
    assert "no requirements.lock" in ill


@pytest.mark.usefixtures("quick")
def test_no_chinese_font_is_told_with_the_package_to_install(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "chinese_font", lambda: "")
    (ill,) = ills(config)
    assert "fonts-wqy-microhei" in ill


@pytest.mark.usefixtures("quick")
def test_a_folder_that_cannot_be_written_is_named(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "NamedTemporaryFile", refuse)
    (ill,) = ills(config)
    assert "Permission denied" in ill
    assert "reports" in ill


@pytest.mark.usefixtures("quick")
def test_a_file_is_no_folder_for_reports(config: Config) -> None:
    (config.root / "reports").touch()
    (ill,) = ills(config)
    assert "Not a directory" in ill


@pytest.mark.usefixtures("quick")
def test_the_room_of_the_engine_is_told_and_a_spill_folder_that_is_not_there(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIYU_MEMORY_LIMIT", "3GB")
    monkeypatch.setenv("SIYU_SPILL_FOLDER", str(tmp_path))
    (told,) = (found.text for found in examine(config) if "3GB of memory" in found.text)
    assert str(tmp_path) in told
    monkeypatch.setenv("SIYU_SPILL_FOLDER", str(tmp_path / "nowhere"))
    assert all("nowhere" in ill for ill in ills(config))


@pytest.mark.usefixtures("quick")
def test_a_source_that_cannot_be_read_and_an_unknown_zone_are_named(config: Config) -> None:
    nowhere = replace(config, source=str(config.root / "nowhere"))
    (ill,) = ills(nowhere)
    assert "does not exist" in ill
    with speaking("zh"):
        (translated,) = ills(nowhere)
    assert translated.startswith("数据源无法读取：")
    assert translated.endswith(ill.partition(": ")[2])
    study = replace(config.studies[0], given={"timezone": "Asia/Shangai"})
    (ill,) = ills(replace(config, studies=[study]))
    assert "Asia/Shangai" in ill


def test_no_kernel_and_a_kernel_of_another_python_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Missing:
        def __init__(self, **_: object) -> None: ...

        def start_kernel(self) -> None:
            raise NoSuchKernel("python3")

    monkeypatch.setattr(doctor, "KernelManager", Missing)
    assert "No such kernel" in doctor._kernel().text

    class Client:
        def start_channels(self) -> None: ...

        def stop_channels(self) -> None: ...

        def wait_for_ready(self, timeout: float) -> None: ...

        def execute_interactive(self, *_: object, output_hook, **__: object) -> None:
            output_hook({"content": {"text": "/elsewhere\n"}})

    class Other(Missing):
        def start_kernel(self) -> None: ...

        def blocking_client(self) -> Client:
            return Client()

        def shutdown_kernel(self, now: bool) -> None: ...

    monkeypatch.setattr(doctor, "KernelManager", Other)
    assert "/elsewhere" in doctor._kernel().text

    class Silent(Client):
        def wait_for_ready(self, timeout: float) -> None:
            raise RuntimeError("Kernel died before replying")

    monkeypatch.setattr(Other, "blocking_client", lambda self: Silent())
    assert "died before replying" in doctor._kernel().text
