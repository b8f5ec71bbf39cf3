"""The city departments' district table and annex 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sampledata.forms import Sheet, quarter_end, workbook
from sampledata.places import ANNEX_NAMES, FULL_NAMES, PERIODS, City, stream


def department_table(city: City, period: str, folder: Path) -> dict[Path, int]:
    """The city departments' table: a row a district, certified social workers at each year's end."""
    years = [2017, 2018] + ([2019] if period == PERIODS[-1] else [])
    labels: list[tuple[str, ...]] = [("序号",), ("县(市)区",)]
    labels += [("持证社会工作者(人)", f"{y}年末") for y in years]
    labels += [("资金", "本级预算(万元)"), ("资金", "社会捐赠(万元)"), ("社区基金(会)(个)",)]
    labels += [
        ("雪亮工程", "摄像头(个)"),
        ("雪亮工程", "已联网(个)"),
        ("已融合网络(个)",),
        ("网上平台注册用户(人)",),
    ]
    labels += [("下沉事项(项)",), ("示范社区(个)",)]
    path = folder / "市级部门" / "市级部门统计表.xlsx"
    book = workbook(path)
    sheet = Sheet(book, "分县区", len(labels))
    sheet.line(f"昆明市城乡社区治理市级部门统计表({period[:4]}年第{period[-1]}季度)")
    sheet.words({0: "填报单位:市民政局汇总", 6: f"填报时间:{quarter_end(period)}"})
    sheet.header(labels)
    rows = []
    for number, d in enumerate(city.districts):
        rng = stream(city.seed, "departments", d.name)
        stock = [d.workers, round(d.workers * (1 + d.growth_2018))]
        stock.append(round(stock[1] * (1 + d.growth_2019)))
        size = d.total
        base = [
            round(size * rng.uniform(2.4, 4.6), 1),
            round(size * rng.uniform(0.1, 0.6), 1),
            int(rng.poisson(1.2)),
        ]
        cameras = int(size * rng.uniform(30, 70))
        linked = int(cameras * np.clip(rng.normal(0.80 + 0.1 * d.quality, 0.06), 0.3, 1))
        more = [
            int(np.clip(round(2.6 + d.quality + rng.normal(0, 0.6)), 0, 4)),
            int(size * rng.uniform(180, 520)),
        ]
        more += [int(rng.integers(8, 30)), int(rng.poisson(0.06 * size + 0.5))]
        if period == PERIODS[-1]:
            later = stream(city.seed, "departments", d.name, period)
            base[0], base[1] = (
                round(base[0] * later.uniform(0.95, 1.15), 1),
                round(base[1] * later.uniform(0.8, 1.4), 1),
            )
            linked = min(cameras, int(linked * later.uniform(1.0, 1.06)))
            more[1] = int(more[1] * later.uniform(1.02, 1.15))
        rows.append([*stock[: len(years)], *base, cameras, linked, *more])
        sheet.row([number + 1, (ANNEX_NAMES | FULL_NAMES).get(d.name, d.name), *rows[-1]])
    totals = [round(sum(column), 1) for column in zip(*rows, strict=True)]
    sheet.row(["总计", None, *totals], total=True, join=2)
    sheet.words({0: "注:持证社会工作者为年末数;资金为本季度数。"})
    book.close()
    return {path: len(rows)}


def annex1(city: City, path: Path) -> None:
    """Annex 1 as printed: two header levels, 任务数(个) twice, a total row."""
    labels = [
        ("县(市)区名称",),
        ("社区基本情况", "社区总数(个)"),
        ("社区基本情况", "城市社区数(个)"),
        ("社区基本情况", "“村改居”社区数(个)"),
        ("社区治理创新试点总任务(2018年9月—2020年底)", "任务数(个)"),
        ("第一阶段任务", "任务数(个)"),
    ]
    book = workbook(path)
    sheet = Sheet(book, "附件1", len(labels))
    sheet.line("昆明市城乡社区治理创新试点任务分配表")
    sheet.header(labels)
    rows = []
    for d in city.districts:
        rows.append([d.total, d.urban, d.converted, d.pilots, d.phase1])
        sheet.row([ANNEX_NAMES.get(d.name, d.name), *rows[-1]])
    sheet.row(["总计", *[sum(column) for column in zip(*rows, strict=True)]], total=True)
    book.close()
