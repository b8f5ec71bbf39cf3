"""Community statistics: what every community counts in a quarter, and the form its district sends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sampledata.forms import Sheet, quarter_end, workbook, write_csv
from sampledata.places import PERIODS, TYPES, City, District, stream


@dataclass(frozen=True)
class Field:
    """A column of the statistics form: metric, its two header levels, the flat header of csv files."""

    metric: str
    above: str
    leaf: str
    flat: str


def _fields(above: str, *columns: tuple[str, str] | tuple[str, str, str]) -> list[Field]:
    return [Field(c[0], above, c[1], c[2] if len(c) == 3 else c[1]) for c in columns]


FIELDS: list[Field] = [
    *_fields(
        "基本情况",
        ("households", "常住户数(户)"),
        ("population", "常住人口(人)"),
        ("floating_pop", "流动人口(人)"),
    ),
    *_fields(
        "组织与自治",
        ("party_org_n", "党组织(个)", "社区党组织(个)"),
        ("owners_committee_n", "业主委员会(个)"),
        ("joint_meeting_n", "联席会议(次)"),
        ("resident_assembly_n", "居民会议(次)"),
        ("consult_meeting_n", "议事协商会(次)"),
    ),
    *_fields(
        "居民小组长",
        ("group_leader_post_n", "应配(人)", "居民小组长应配(人)"),
        ("group_leader_n", "在岗(人)", "居民小组长在岗(人)"),
    ),
    *_fields(
        "社会力量",
        ("social_org_n", "社区社会组织(个)"),
        ("excellent_org_n", "优秀社会组织(个)"),
        ("open_facility_n", "驻区单位开放设施(个)"),
        ("three_society_project_n", "三社联动项目(个)"),
    ),
    *_fields(
        "居民参与",
        ("participant_n", "居民参与(人次)"),
        ("floating_participant_n", "流动人口参与(人次)"),
    ),
    *_fields(
        "社区服务",
        ("purchase_amount", "购买服务资金(万元)"),
        ("market_body_n", "便民服务网点(个)"),
    ),
    *_fields(
        "文化法治",
        ("culture_group_n", "居民文化团队(个)"),
        ("culture_event_n", "文化活动(场)"),
        ("law_event_n", "法治宣传(场)"),
        ("mediator_n", "人民调解员(人)"),
    ),
    *_fields(
        "矛盾纠纷",
        ("dispute_n", "受理(件)", "矛盾纠纷受理(件)"),
        ("dispute_resolved_n", "化解(件)", "矛盾纠纷化解(件)"),
    ),
    *_fields(
        "重点人群",
        ("care_target_n", "应服务(人)", "重点人群应服务(人)"),
        ("care_served_n", "已服务(人)", "重点人群已服务(人)"),
    ),
    *_fields("信息化", ("info_terminal_n", "自助服务终端(台)")),
    *_fields(
        "绿地失管",
        ("green_violation/occupied", "侵占毁坏(处)", "绿地侵占毁坏(处)"),
        ("green_violation/pet_waste", "宠物便溺(处)", "绿地宠物便溺(处)"),
        ("green_violation/litter", "垃圾堆积(处)", "绿地垃圾堆积(处)"),
        ("green_violation/bare_soil", "黄土裸露(处)", "绿地黄土裸露(处)"),
    ),
    *_fields(
        "消防隐患",
        ("fire_violation/blocked_passage", "占用通道(处)"),
        ("fire_violation/flammables", "堆放易燃易爆物(处)"),
        ("fire_violation/iron_gate", "私装铁门(处)"),
    ),
    *_fields(
        "室内公共场所",
        ("venue_n", "总数(个)", "室内公共场所(个)"),
        ("smoke_free_venue_n", "全面控烟(个)", "全面控烟场所(个)"),
    ),
    *_fields("服务设施", ("facility_area_m2", "综合服务设施面积(平方米)")),
    *_fields(
        "居民小区",
        ("estate_n", "总数(个)", "居民小区(个)"),
        ("property_estate_n", "有物业管理(个)", "有物业管理小区(个)"),
    ),
    *_fields(
        "经费投入",
        ("fund_budget", "财政经费(万元)"),
        ("fund_social", "社会资金(万元)"),
        ("fund_self", "自我补充资金(万元)"),
    ),
    *_fields(
        "社区工作者",
        ("worker_n", "总数(人)", "社区工作者(人)"),
        ("worker_trained_n", "参加培训(人)", "参加培训社区工作者(人)"),
    ),
]
AMOUNTS = ("purchase_amount", "fund_budget", "fund_social", "fund_self")
EXACT = ("households", "facility_area_m2", "social_org_n")
"""Cells that no mess touches, because a norm rests on them."""


def values(city: City, district: District, period: str) -> pd.DataFrame:
    """A column a metric, amounts in 万元; stocks go on from quarter to quarter."""
    frame = city.of(district.name)
    now = PERIODS.index(period)
    n = len(frame)
    rng = stream(city.seed, "stocks", district.name)
    urban = (frame["type"] == "urban").to_numpy()
    hh = frame["households"].to_numpy()
    pop = frame["population"].to_numpy()
    q = frame["quality"].to_numpy()

    def poisson(urban_mean: float, converted_mean: float, slope: float = 0.0) -> np.ndarray:
        return rng.poisson(np.where(urban, urban_mean, converted_mean) * np.exp(slope * q))

    def share(of: np.ndarray, p: float, slope: float = 0.0) -> np.ndarray:
        return rng.binomial(of, np.clip(p + slope * q, 0.02, 0.995))

    v: dict[str, np.ndarray] = {"households": hh, "population": pop}
    v["floating_pop"] = np.rint(pop * rng.uniform(0.06, 0.38, n)).astype(int)
    v["party_org_n"] = 1 + rng.poisson(hh / 900)
    v["estate_n"] = 1 + poisson(7, 2.2)
    v["property_estate_n"] = share(v["estate_n"], 0.68, 0.10)
    v["owners_committee_n"] = share(v["property_estate_n"], 0.48, 0.08)
    v["group_leader_post_n"] = np.maximum(4, hh // 110)
    v["group_leader_n"] = share(v["group_leader_post_n"], 0.95, 0.03)
    org = np.where(urban, district.org_urban, district.org_converted)
    v["social_org_n"] = np.maximum(
        1, np.rint(rng.normal(org * np.exp(0.10 * (q - district.quality)), 0.22 * org)).astype(int)
    )
    v["excellent_org_n"] = share(v["social_org_n"], 0.12, 0.03)
    v["open_facility_n"] = poisson(3, 1.4, 0.3)
    v["market_body_n"] = rng.poisson(hh / 160)
    v["culture_group_n"] = 1 + poisson(4, 2.2, 0.2)
    v["mediator_n"] = 2 + poisson(3, 2)
    v["care_target_n"] = rng.binomial(pop, 0.032)
    v["care_served_n"] = share(v["care_target_n"], 0.82, 0.06)
    v["info_terminal_n"] = poisson(2.4, 0.9, 0.3)
    v["venue_n"] = 5 + poisson(12, 5)
    v["smoke_free_venue_n"] = share(v["venue_n"], 0.88, 0.05)
    spread = np.exp(rng.normal(-0.02, 0.22, n) + 0.05 * (q - district.quality))
    v["facility_area_m2"] = np.rint(hh / 100 * district.facility * spread).astype(int)
    v["worker_n"] = 5 + hh // 330
    v["worker_trained_n"] = share(v["worker_n"], 0.52, 0.08)
    for later in range(1, now + 1):
        rng = stream(city.seed, "growth", district.name, later)
        v["social_org_n"] = v["social_org_n"] + rng.binomial(1, 0.22, n)
        v["info_terminal_n"] = v["info_terminal_n"] + rng.binomial(1, 0.12, n)
        grown = rng.random(n) < 0.08
        v["facility_area_m2"] = v["facility_area_m2"] + np.where(grown, hh // 25, 0)
        v["care_served_n"] = v["care_served_n"] + rng.binomial(v["care_target_n"] - v["care_served_n"], 0.25)
        v["worker_trained_n"] = v["worker_trained_n"] + rng.binomial(
            v["worker_n"] - v["worker_trained_n"], 0.55
        )
        v["group_leader_n"] = v["group_leader_n"] + rng.binomial(
            v["group_leader_post_n"] - v["group_leader_n"], 0.30
        )
        v["smoke_free_venue_n"] = v["smoke_free_venue_n"] + rng.binomial(
            v["venue_n"] - v["smoke_free_venue_n"], 0.3
        )
        v["floating_pop"] = np.rint(v["floating_pop"] * rng.uniform(0.97, 1.04, n)).astype(int)
        v["population"] = np.maximum(
            np.rint(pop * rng.uniform(0.998, 1.006, n)).astype(int), v["floating_pop"]
        )
    rng = stream(city.seed, "flows", district.name, period)
    v["joint_meeting_n"] = poisson(2.6, 1.6, 0.25)
    v["resident_assembly_n"] = poisson(1.2, 1.3, 0.2)
    v["consult_meeting_n"] = poisson(4, 2.6, 0.3)
    v["three_society_project_n"] = poisson(1.8, 0.7, 0.4)
    v["participant_n"] = np.rint(hh * rng.uniform(0.3, 1.1, n) * np.exp(0.2 * q)).astype(int)
    v["floating_participant_n"] = np.rint(v["floating_pop"] * rng.uniform(0.03, 0.18, n)).astype(int)
    v["culture_event_n"] = poisson(6, 3.5, 0.2)
    v["law_event_n"] = 1 + poisson(2.6, 1.8, 0.15)
    v["dispute_n"] = rng.poisson(hh / 190)
    v["dispute_resolved_n"] = share(v["dispute_n"], 0.92, 0.04)
    for f in FIELDS:
        if f.metric.startswith("green_violation"):
            v[f.metric] = poisson(0.3, 0.42, -0.5)
        elif f.metric.startswith("fire_violation"):
            v[f.metric] = poisson(0.28, 0.25, -0.5)
    money = stream(city.seed, "money", district.name)
    usual = {
        "purchase_amount": np.where(urban, money.uniform(1.5, 14, n), money.uniform(0.4, 5, n)),
        "fund_budget": money.uniform(3.5, 11, n) * np.where(urban, 1.4, 1),
        "fund_social": (0.15 + money.gamma(1.6, 0.9, n)) * np.exp(0.3 * q),
        "fund_self": 0.15 + np.where(urban, money.gamma(1.2, 0.8, n), money.gamma(2.5, 2.2, n)),
    }
    for metric, amount in usual.items():
        v[metric] = np.round(
            amount * np.exp(rng.normal(0.03, 0.22, n)), 1 if metric == "purchase_amount" else 2
        )
    return pd.DataFrame({f.metric: v[f.metric] for f in FIELDS}, index=frame.index)


_FULL = str.maketrans("0123456789", "０１２３４５６７８９")


def _mess(
    table: pd.DataFrame, rng: np.random.Generator, *, share: float
) -> tuple[list[list[object]], pd.DataFrame]:
    """Cells as somebody typed them, and the numbers that they mean (missing where a dash stands)."""
    numbers = table.astype(float)
    cells: list[list[object]] = table.astype(object).to_numpy().tolist()
    for i in range(len(table)):
        for j, metric in enumerate(table.columns):
            value = numbers.iat[i, j]
            if metric in EXACT or rng.random() >= share:
                continue
            kind = rng.choice(["full", "about", "dash", "commas", "space"], p=[0.2, 0.2, 0.2, 0.2, 0.2])
            text = f"{value:.10g}"
            if kind == "full" and metric not in AMOUNTS:
                cells[i][j] = text.translate(_FULL)
            elif kind == "about" and metric in ("population", "participant_n"):
                rounded = round(value, -2)
                cells[i][j], numbers.iat[i, j] = f"约{rounded:.0f}", rounded
            elif kind == "dash" and metric in (
                "open_facility_n",
                "market_body_n",
                "info_terminal_n",
                "floating_participant_n",
            ):
                cells[i][j], numbers.iat[i, j] = "—", np.nan
            elif kind == "commas" and value >= 1000:
                cells[i][j] = f"{value:,.0f}"
            elif kind == "space":
                cells[i][j] = f" {text} "
    return cells, numbers


def _spelled(name: str, rng: np.random.Generator) -> str:
    """A community's name as offices write it."""
    kind = rng.random()
    if kind < 0.03:
        return name.replace("社区", "社区居委会")
    if kind < 0.05:
        return f"{name[:2]} {name[2:]}"
    if kind < 0.06:
        return name + "居民委员会"
    return name


def _total(numbers: pd.DataFrame, *, slip: bool = False) -> list[object]:
    """Column sums as printed; ``slip`` prints one sum of unrounded amounts, off by a hundredth."""
    out: list[object] = []
    for metric in numbers:
        total = float(numbers[metric].sum())
        if metric in AMOUNTS:
            out.append(round(total + (0.01 if slip and metric == "fund_social" else 0.0), 2))
        else:
            out.append(round(total))
    return out


@dataclass(frozen=True)
class Form:
    """One district's form: the names and cells as typed, the numbers they mean, the rate nobody asked for."""

    district: District
    period: str
    kinds: list[str]
    names: list[str]
    cells: list[list[object]]
    numbers: pd.DataFrame
    rates: list[str]

    @property
    def sender(self) -> str:
        return f"填报单位:{self.district.name}民政局"

    @property
    def date(self) -> str:
        return f"填报时间:{quarter_end(self.period)}"


def community_statistics(city: City, period: str, folder: Path) -> dict[Path, int]:
    """One file a district; returns its rows of data."""
    written = {}
    for number, district in enumerate(city.districts):
        table = values(city, district, period)
        rng = stream(city.seed, "mess", district.name, period)
        cells, numbers = _mess(table, rng, share=0.012)
        frame = city.of(district.name)
        names = [_spelled(n, rng) for n in frame["name"]]
        rates = [f"{a / b:.1%}" for a, b in zip(table["worker_trained_n"], table["worker_n"], strict=True)]
        form = Form(district, period, list(frame["type"]), names, cells, numbers, rates)
        path = folder / "社区统计" / district.file
        if path.suffix == ".csv":
            _write_csv(path, form)
        else:
            _write_xlsx(path, form, style=number)
        written[path] = len(table)
    return written


def _write_xlsx(path: Path, form: Form, *, style: int) -> None:
    """Two header levels, subtotals by type and a total; ``style`` varies where words stand, as offices do."""
    labels: list[tuple[str, ...]] = [("序号",), ("社区名称",), ("社区类型",)]
    above = style % 3 == 2  # 单位:万元 stands above the table, not in the headers
    leaves = [f.leaf.replace("(万元)", "") if above else f.leaf for f in FIELDS]
    labels += [(f.above, leaf) for f, leaf in zip(FIELDS, leaves, strict=True)] + [("参训率(%)",), ("备注",)]
    book = workbook(path)
    sheet = Sheet(book, "社区统计表", len(labels))
    year, quarter = form.period[:4], form.period[-1]
    sheet.line(f"{form.district.name}城乡社区治理基本情况统计表({year}年第{quarter}季度)")
    sheet.words({0: form.sender, 8: form.date} | ({len(labels) - 4: "单位:万元"} if above else {}))
    sheet.header(labels)

    def place(word: str) -> list[str | None]:
        """Merged over the first columns, or under the names."""
        return [word, None, None] if style % 2 else [None, word, None]

    kinds = np.array(form.kinds)
    for kind, label in TYPES.items():
        where = np.flatnonzero(kinds == kind)
        for k in where:
            last_village = kind == "converted" and k == where[-1]
            note = "原村委会整体改制" if last_village and style % 4 == 1 else None
            hidden = last_village and style == 3
            cells = [int(k) + 1, form.names[k], label, *form.cells[k], form.rates[k], note]
            sheet.row(cells, hidden=hidden)
        if len(where):
            small = _total(form.numbers.iloc[where])
            sheet.row([*place(f"{label}小计"), *small, None, None], total=True, join=2 * (style % 2))
    whole = _total(form.numbers, slip=style == 1)
    sheet.row([*place("合计"), *whole, None, None], total=True, join=3 * (style % 2))
    if style == 7:
        means = [round(float(form.numbers[m].mean()), 1) if m in EXACT else None for m in form.numbers]
        sheet.row([*place("平均"), *means, None, None], total=True, join=3)
    sheet.words({0: "注:1.户数按常住户统计;2.经费为本季度到账数。"})
    sheet.words({0: "审核人:×××", 6: "填表人:×××", 12: "联系电话:(略)"})
    sheet.sheet.freeze_panes(4, 3)
    book.close()


def _write_csv(path: Path, form: Form) -> None:
    """One header level, no subtotals, GB18030."""
    head: list[object] = ["社区", "类型", *(f.flat for f in FIELDS), "参训率"]
    short: list[list[object]] = [
        [f"{form.district.name}城乡社区治理基本情况统计表"],
        [form.sender, None, form.date],
    ]
    rows = [[*line, *[None] * (len(head) - len(line))] for line in short]
    rows.append(head)
    for k, name in enumerate(form.names):
        rows.append([name, TYPES[form.kinds[k]], *form.cells[k], form.rates[k]])
    rows.append(["合计", None, *_total(form.numbers), None])
    rows.append(["填表人:×××", *[None] * (len(head) - 1)])
    write_csv(path, rows, encoding="gb18030")
