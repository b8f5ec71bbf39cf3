"""A notebook as papermill leaves it, with every kind of block, long and wide tables, and hostile strings."""

import base64

import numpy as np
import pandas as pd

from commlab.figures import bars
from commlab.report import Bullets, Col, Cover, Finding, Paragraph, Section
from commlab.report.finding import MIME, blocks

HOSTILE = [
    "=1+1",
    "@SUM(A1:A9)",
    "\t=1+1",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "{{ 7 * 7 }}{% raw %}",
    '#read("/etc/hostname") #panic("x")',
    "$x$ *bold* _it_ `code` @ref <label> // /* */ \\u{41}",
    "# 标题\n- 列表",
    "![x](http://127.0.0.1:9/x.png)",
    "</w:t></w:r><w:r><w:t>x",
    "a\x08\x0b\uffffb",
    "_x0041_",
    "楼" * 3000,
]


def sample_items(language="zh", rows=60):
    zh = language == "zh"
    picture = bars(pd.DataFrame({"label": ["五华区", "盘龙区"], "value": [81.3, 75.0]}), xlabel="得分")
    long = pd.DataFrame({"code": [f"Ⅱ-{i}" for i in range(1, rows + 1)], "score": np.linspace(40, 99, rows)})
    long["text"] = ["社区综合服务设施每百户面积" * (1 + i % 3) for i in range(rows)]
    long["strong"] = long.index % 10 == 0
    wide = pd.DataFrame({f"c{j}": np.linspace(10, 99, 6) + j for j in range(18)})
    wide.insert(0, "unit", ["五华区", "盘龙区", "官渡区", "西山区", "呈贡区", "晋宁区"])
    names = {"unit": Col("地区" if zh else "District")} | {
        f"c{j}": Col(f"指标{j}" if zh else f"Item {j}", "number", group="得分" if zh else "Scores")
        for j in range(18)
    }
    hostile = pd.DataFrame({"id": range(len(HOSTILE)), "payload": HOSTILE})
    sentence = "五华区得分81.3,高于全市均值。" if zh else "Wuhua scored 81.3, above the city mean."
    columns = {
        "code": Col("编码" if zh else "Code"),
        "text": Col("标准" if zh else "Standard"),
        "score": Col("得分" if zh else "Score", "number"),
    }
    return [
        Cover(
            "五华区社区治理评价报告" if zh else "Community governance in Wuhua",
            "2019年第四季度",
            [("对象", "五华区89个社区")],
            language=language,
            sample=True,
        ),
        Section("摘要" if zh else "Summary", 1, [Paragraph(sentence, "lead"), Bullets([sentence, sentence])]),
        Section(
            "得分" if zh else "Scores",
            1,
            [
                Section("标准" if zh else "Standards", 2, [sentence]),
                Finding(
                    long,
                    sentence,
                    title="长表",
                    columns=columns,
                    strong="strong",
                    notes=["来源:附件2。"],
                    language=language,
                ),
                Finding(
                    long.head(1),
                    sentence,
                    picture,
                    figure_title="得分图",
                    show_table=False,
                    language=language,
                ),
            ],
        ),
        Section(
            "比较" if zh else "Comparison",
            1,
            [Finding(wide, sentence, title="宽表", columns=names, language=language)],
        ),
        Section(
            "<b>恶意</b> #strong[x]",
            1,
            [
                Bullets([h[:200] for h in HOSTILE], ordered=True),
                Finding(hostile, HOSTILE[3], title=HOSTILE[7], notes=HOSTILE[5:7], language=language),
            ],
            appendix=True,
        ),
    ]


def as_notebook(items):
    cells = [{"cell_type": "markdown", "source": "# 只给研究者看", "metadata": {}}]
    for item in items:
        outputs = [{"output_type": "stream", "name": "stdout", "text": "not printed"}]
        for block, png in blocks(item):
            data = {"text/plain": "x", "text/html": "<p>not read</p>", MIME: block}
            if png:
                data["image/png"] = base64.b64encode(png).decode("ascii")
            outputs.append({"output_type": "display_data", "metadata": {}, "data": data})
        cells.append(
            {
                "cell_type": "code",
                "source": ["chapters.summary(report)  # </code><script>"],
                "metadata": {},
                "execution_count": 1,
                "outputs": outputs,
            }
        )
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
