import re

from tests.conftest import ROOT


def test_the_chinese_readme_names_the_same_options_and_commands():
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))
    for pattern in (r"--[a-z][a-z_-]+", r"^    \S.*$", r"`[A-Za-z_./-]+\.(?:py|sh|json|jsonl|html|png)`"):
        commands = [
            {line.split("#")[0].strip() for line in re.findall(pattern, text, re.M)} for text in (english, chinese)
        ]
        if pattern.startswith("^"):  # the layout blocks are prose
            commands = [{line for line in found if line.startswith(("python ", "make ", "pip "))} for found in commands]
        assert commands[0] == commands[1], pattern
