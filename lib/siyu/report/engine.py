"""Papermill's engine, with an end to what one cell may print: nobody reads 200 MB."""

from __future__ import annotations

from typing import Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines

NAME = "siyu"
CELL_CHARACTERS = 1_000_000
"""What is kept of what a cell prints; a page, with all its figures, should have 2 MB."""
_SHOWN_SHARE = 0.1
"""As what part of its length a figure or table counts: it was made to be shown, whole."""
ERROR_CHARACTERS = 10_000
"""What is kept of an error's message and of each entry of its traceback."""


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    def __init__(self, *given: Any, where_cut: str, **options: Any) -> None:
        super().__init__(*given, **options)
        self._where_cut = where_cut
        self._room: float = CELL_CHARACTERS

    def output(self, outs: list[Any], msg: dict[str, Any], *to: Any) -> Any:
        content = msg["content"]
        if msg["msg_type"] == "error":
            content["evalue"] = content["evalue"][:ERROR_CHARACTERS]
            content["traceback"] = [line[:ERROR_CHARACTERS] for line in content["traceback"]]
            return super().output(outs, msg, *to)
        if not outs or self.clear_before_next_output:
            self._room = CELL_CHARACTERS
        before = self._room
        printed = "text" in content
        self._room -= len(content["text"]) if printed else _SHOWN_SHARE * len(str(content["data"]))
        if self._room >= 0:
            return super().output(outs, msg, *to)
        if before >= 0:
            if printed:
                content["text"] = content["text"][: int(before)]
                super().output(outs, msg, *to)
            told = {"msg_type": "stream", "header": {**msg["header"], "msg_type": "stream"}}
            told["content"] = {"name": "stdout", "text": self._where_cut}
            super().output(outs, {**msg, **told}, None, *to[1:])
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
