"""The fixed words of the pages, in each language a report can be written in."""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGES = ("en", "zh")

_WORDS: Mapping[str, tuple[str, str]] = {
    "as_of": ("As of", "数据截至"),
    "source": ("Source", "数据来源"),
    "overview": ("Overview", "总览"),
    "contents": ("Contents", "目录"),
    "study": ("Read the study", "查看分析"),
    "no_headline": ("The study states no headline.", "该分析没有结论。"),
    "stopped": ("This study did not finish", "该分析未完成"),
    "failing_cell": ("It stopped at code cell", "停在代码单元"),
    "rest_below": ("What it had found until then is below.", "此前的结果见下文。"),
    "traceback": ("Error in full", "完整错误信息"),
    "too_little": ("Too little data to judge", "数据不足，无法判断"),
    "to_watch": ("To watch: not clear either way", "待观察：尚无定论"),
    "action": ("What to do", "建议"),
    "data_quality": ("Data quality", "数据质量"),
    "no_warnings": ("No warnings about the data.", "数据没有警告。"),
    "files": ("Behind this page", "本页依据"),
    "notebook": ("executed notebook", "已执行的笔记本"),
    "findings": ("findings", "结论数据"),
    "tables": ("tables", "数据表"),
    "parameters": ("Parameters", "参数"),
    "run": ("About this run", "运行信息"),
    "written": ("Written", "生成时间"),
    "took": ("Took", "耗时"),
    "seconds": ("s", "秒"),
    "fingerprint": ("Input fingerprint", "输入指纹"),
    "revision": ("Revision", "代码版本"),
    "changed": ("with local changes", "有本地修改"),
    "versions": ("Versions", "软件版本"),
    "manifest": ("manifest", "清单"),
    "alert": ("Alert", "警报"),
    "watch": ("Watch", "关注"),
    "ok": ("OK", "正常"),
    "info": ("Info", "信息"),
    "insufficient": ("Too little data", "数据不足"),
    "failed": ("Failed", "失败"),
    "timeout": ("Out of time", "超时"),
    "kernel_died": ("Kernel died", "内核终止"),
    "incomplete": ("Incomplete", "不完整"),
    "killed": ("Killed", "被终止"),
    "skipped": ("Not run", "未运行"),
}


def words(language: str) -> dict[str, str]:
    """Return the fixed words in one of `LANGUAGES`."""
    column = LANGUAGES.index(language)
    return {key: translations[column] for key, translations in _WORDS.items()}
