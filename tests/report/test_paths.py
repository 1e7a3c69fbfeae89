import base64
from pathlib import Path

import pytest
from siyu.report.paths import machine_paths, without_paths


def test_paths_are_named_from_the_project_and_the_output_folder_is_no_folder() -> None:
    root = Path("/srv/growth")
    hidden = machine_paths(root=root, folder=root / "reports/.staging-1/01_funnel", source=None)
    document = {
        "input_path": "/srv/growth/notebooks/01_funnel.ipynb",
        "cwd": "/srv/growth",
        "outputs": ["/srv/growth/reports/.staging-1/01_funnel/tables/a.csv", 7, None],
        "output_dir": "/srv/growth/reports/.staging-1/01_funnel",
    }
    assert without_paths(document, hidden) == {
        "input_path": "notebooks/01_funnel.ipynb",
        "cwd": ".",
        "outputs": ["tables/a.csv", 7, None],
        "output_dir": "",
    }


def test_homes_libraries_and_temporary_files_are_not_betrayed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.prefix", "/opt/env")
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/var/tmp7")
    monkeypatch.setattr("sysconfig.get_path", lambda _: "/usr/lib/python3")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/wang"))
    hidden = machine_paths(root=Path("/srv/growth"), folder=Path("/srv/growth/out"), source=None)
    text = "/opt/env/lib/x.py /usr/lib/python3/json.py /var/tmp7/k/1.py /home/wang/.cache"
    assert without_paths(text, hidden) == (
        "<environment>/lib/x.py <python>/json.py <temporary>/k/1.py ~/.cache"
    )


def test_a_home_at_the_root_of_the_machine_does_not_match_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/"))
    hidden = machine_paths(root=Path("/srv/growth"), folder=Path("/srv/growth/out"), source=None)
    assert without_paths("clicks / pushes", hidden) == "clicks / pushes"


def test_a_source_outside_the_project_stands_by_its_name_and_one_inside_by_its_place() -> None:
    root = Path("/srv/growth")
    for source, shown in (("/tmp/wang/shop", "shop"), ("/srv/growth/data/shop", "data/shop")):
        hidden = machine_paths(root=root, folder=root / "out", source=Path(source))
        assert without_paths([source, f"{source}/users.csv"], hidden) == [
            shown,
            f"{shown}/users.csv",
        ]


def test_a_source_behind_a_link_is_not_betrayed_by_its_real_place(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "shop").symlink_to(tmp_path / "real")
    root = Path("/srv/growth")
    hidden = machine_paths(root=root, folder=root / "out", source=tmp_path / "shop")
    assert without_paths(f"{tmp_path}/real/a.csv {tmp_path}/shop/a.csv", hidden) == (
        "real/a.csv shop/a.csv"
    )


def test_a_picture_in_whose_code_a_path_comes_up_by_chance_stays_whole() -> None:
    code = base64.b64encode(base64.b64decode("AAAA/tmpAAAA")).decode()
    assert "/tmp" in code
    data = {"image/png": code, "text/plain": "drawn in /tmp/x"}
    assert without_paths({"data": data}, [("/tmp", "<temporary>")]) == {
        "data": {"image/png": code, "text/plain": "drawn in <temporary>/x"}
    }
