"""Papermill's engine, with an end to what one cell may print: nobody reads 200 MB."""

from __future__ import annotations

from typing import Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines

NAME = "siyu"
CELL_CHARACTERS = 1_000_000
"""What is kept of a cell's outputs; a page, with all its figures, should have 2 MB."""
ERROR_CHARACTERS = 10_000
"""What is kept of an error's message and of each entry of its traceback."""


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    def __init__(self, *given: Any, where_cut: str, **options: Any) -> None:
        super().__init__(*given, **options)
        self._where_cut = where_cut
        self._room = CELL_CHARACTERS

    def output(self, outs: list[Any], msg: dict[str, Any], *to: Any) -> Any:
        content = msg["content"]
        if msg["msg_type"] == "error":
            content["evalue"] = content["evalue"][:ERROR_CHARACTERS]
            content["traceback"] = [line[:ERROR_CHARACTERS] for line in content["traceback"]]
            return super().output(outs, msg, *to)
        if not outs or self.clear_before_next_output:
            self._room = CELL_CHARACTERS
        before = self._room
        self._room -= len(content["text"] if "text" in content else str(content["data"]))
        if self._room >= 0:
            return super().output(outs, msg, *to)
        if before >= 0:
            if "text" in content:
                content["text"] = content["text"][:before]
                super().output(outs, msg, *to)
            said = {"name": "stdout", "text": self._where_cut}
            super().output(outs, {**msg, "msg_type": "stream", "content": said}, *to)
        return None


class _Engine(Engine):  # type: ignore[misc]
    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        start_timeout: float,
        execution_timeout: float,
        iopub_timeout: float,
        config: Any,
        where_cut: str,
        **_: object,
    ) -> None:
        _Client(
            nb_man,
            kernel_name=kernel_name,
            startup_timeout=start_timeout,
            timeout=execution_timeout,
            iopub_timeout=iopub_timeout,
            config=config,
            where_cut=where_cut,
        ).execute()


papermill_engines.register(NAME, _Engine)
