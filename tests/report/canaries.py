"""A project in which whoever or whatever must stay hidden is a canary, and names are hostile."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import yaml
from siyu.data.world import Settings
from siyu.data.world.write import draw_tables

from tests.report.project import code, markdown, parameters, write_config, write_notebook

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

SCRIPT = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("https://evil.invalid/","x")'
BRACES = "{x} %s $a$ _a_ *b* `c` a|b &lt;"
LONG = "长" * 4000
WIDE = "w" * 4000
MIRRORED = "ab\u202egnp.exe\u2069\u200f"
LITERAL = (SCRIPT, FORMULA, BRACES)

CANARIES = {
    **dict.fromkeys(("user_id", "referrer_id", "inviter_id", "invitee_id"), "canary-user-"),
    **{name: f"canary-{name}-" for name in ("order_id", "push_id", "group_id")},
    "staff_id": "canary-staff-",
}
"""What stands before every id, by the column."""
SECRETS = {
    "DATABASE_URL": "postgresql://growth:canary-secret%2Fp@db.invalid/shop?sslmode=require",
    "PGPASSWORD": "canary-secret-pg",
    "UNRELATED_TOKEN": "canary-secret\"<'&\\token",
}
STARTS = ("=1+1", "@SUM(1)", "+1+1", "-2+3", "\t=1+1", MIRRORED, LONG, WIDE)


def _renamed(*names: str, to: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(names, to, strict=True))


LURES = _renamed("physical", "virtual", "coupon", "service", to=(MIRRORED, BRACES, FORMULA, WIDE))
TIERS = _renamed("ordinary", "silver", "gold", "diamond", to=(SCRIPT, FORMULA, BRACES, LONG))
CAMPAIGNS = _renamed("老带新有礼", "裂变拼团", "好友助力抽奖", to=(LONG, FORMULA, BRACES))
NAMES: Mapping[str, Mapping[str, str]] = {
    "channel": _renamed("social", "online", "offline", "commercial", to=(*LITERAL, LONG)),
    "touchpoint": _renamed(
        *("kol", "referral", "card_pack", "live_qr"),
        *("staff_share", "paid_feed", "short_video", "moments"),
        to=STARTS,
    ),
    "occupation": _renamed("student", "other", "freelance", "office", to=(*LITERAL, LONG)),
    "lure": LURES,
    "tier": TIERS,
    "arm": LURES,
    "campaign": CAMPAIGNS,
}

BROKEN = """\
import os, sys
from html import escape
from pathlib import Path
from IPython.display import HTML, display
from siyu.data import open_source
print(dict(os.environ), *os.environ.values(), file=sys.stderr)
(Path(output_dir) / "tables").mkdir()
(Path(output_dir) / "tables" / "secrets.txt").write_text(chr(10).join(os.environ.values()))
display(HTML(escape(os.environ["UNRELATED_TOKEN"], quote=False)))
one = open_source(source).table("users").limit(1).to_pandas().iloc[0]
raise KeyError(one["name"], f"no {one.user_id} ({one.phone})", dict(os.environ))"""


def write_project(root: Path, *, users: int) -> Path:
    """Write the project and give its configuration: all the notebooks, and one that is broken."""
    (root / "pyproject.toml").write_text("")
    _write_pool(root / "data", users)
    shutil.copytree(NOTEBOOKS, root / "notebooks")
    cells = [markdown("# Who breaks?"), parameters(), code(BROKEN)]
    write_notebook(root / "notebooks" / "08_broken.ipynb", cells)
    asked: Mapping[str, Mapping[str, object]] = {
        "01_funnel_conversion": {"target_rate": 0.9},
        "02_cohort_retention": {"high_tiers": [FORMULA, BRACES]},
        "05_lure_experiments": {"coupon_arms": [FORMULA], "draw_arms": [FORMULA, BRACES]},
        "06_referral_fission": {"lives": {BRACES: 3}},
        "07_member_target": {"target_members": 100.0},
    }
    studies = sorted(path.stem for path in (root / "notebooks").glob("*.ipynb"))
    config = {
        "name": "weekly",
        "title": f"Growth {SCRIPT}",
        "source": "data",
        "notify": [
            {"to": "file", "address": "ALERTS_FILE"},
            {"to": "wecom", "address": "GOOD_ROBOT"},
            {"to": "feishu", "address": "BAD_ROBOT"},
        ],
        "notebooks": [
            {"notebook": name, "parameters": dict(asked.get(name, {}))} for name in studies
        ],
    }
    return write_config(root, yaml.safe_dump(config, allow_unicode=True))


def _write_pool(folder: Path, users: int) -> None:
    folder.mkdir()
    (folder / "source.yaml").write_text(
        "name: pool\ntimezone: Asia/Shanghai\nobserved: {from: 2025-04-01, to: 2026-03-31}\n"
    )
    for name, table in draw_tables(Settings(users=users)).items():
        rows = table.to_pandas()
        for column, before in CANARIES.items():
            if column in rows:
                rows[column] = rows[column].map(lambda one, x=before: x + one, na_action="ignore")
        for column, names in NAMES.items():
            if column in rows:
                rows[column] = rows[column].replace(dict(names))
        if "user_id" in rows:
            # What nobody described: a name, a telephone, a voucher.
            for column in ("name", "phone", "voucher"):
                rows[column] = f"canary-{column}-" + rows["user_id"].str[-6:]
        pd.DataFrame(rows).to_parquet(folder / f"{name}.parquet")
