"""A labelled sample of free text with invented identifiers.

``WORKED`` templates were looked at while the rules were written; ``HELD_BACK`` templates were written
afterwards and the rules were not changed for them. All values are made by the seeded generator below:
numbers from ranges that follow the public formats (ID numbers: GB 11643-1999 with its mod 11-2 check
character; mobile numbers: 11 digits from 13 to 19; bank cards: 16 and 19 digits), names from common
characters. No person is meant.
"""

from __future__ import annotations

import random

WORKED = (
    "我的电话是{mobile}，请回电", "联系方式：{mobile_dash}", "手机{mobile_space}晚上打", "本人身份证{id18}",
    "身份证号码:{id_bad}，请核实", "座机{landline}没人接",
    "卡号{bank}的补贴没到账", "银行卡 {bank_space}", "发邮件到{email}", "加微信{wechat}",
    "微信号是{wechat}谢谢", "QQ:{qq}", "扣扣号{qq}可以联系我", "车牌{plate}一直占道",
    "{plate}停在消防通道", "我住{door}", "{street}{number}号门口堆垃圾", "IP是{ip}", "出生于{birth}",
    "{birth}出生的老人", "坐标{coordinate}有积水", "我叫{name}，住三楼",
    "联系人{name}", "{name}女士反映物业不作为", "找{name}老师办的", "电话{mobile_cn}", "手机号{mobile_full}",
    "希望增加停车位", "社区有2000户居民", "每月收费350元太贵", "等了3次都没办成", "2019年10月3日停水",
    "128路公交改线后不方便", "打12345没有用", "早上8:30到晚上20:00都很吵",
    "物业费涨了15%", "小区建于1998年", "第3期改造什么时候开始", "绿化面积约1.2万平方米", "电梯坏了20多天",
    "给5分好评", "今年开了12场活动", "WiFi信号差", "APP上报不了",
    "有事打这个号{mobile}就行", "（{mobile}）王师傅修水管", "tel:{mobile_dash}", "+86 {mobile_space}",
    "找我{mobile}或者{landline}", "办证时填的{id18}写错了一位", "他的证件是{id_bad}吧",
    "户主{id18}已登记", "退款到{bank}", "账户 {bank_space} 开户行在南屏街", "{email} 这个邮箱收不到通知",
    "我的邮箱：{email}", "v信{wechat}", "wx {wechat}", "vx：{wechat}，备注社区",
    "群主Q {qq}", "企鹅号{qq}", "{plate}每天半夜按喇叭", "白色面包车，{plate}", "请到{door}看看漏水",
    "家在{door}，没有电梯", "{street}{number}号楼下烧烤摊油烟大", "登录地址{ip}异常",
    "生日{birth}", "老人{birth}生，独居", "定位{coordinate}", "在{coordinate}这里有个坑",
    "号码是{mobile_full}", "请拨{mobile_cn}", "编号{number9}的工单没人管", "我的工号{code}",
    "本人{name}，建议加装电梯", "我是{name}。希望修路", "{name}主任很负责", "向{name}书记反映过",
    "投诉人{name}",
    "这里住了30年", "一共1500人参加", "垃圾桶少，300米内只有1个", "2018年到2019年变化很大", "补贴2.5万元没发",
    "3号线地铁口很乱", "希望周六10点开会", "噪声超过70分贝", "70岁以上老人多",
    "96128热线态度好", "办事等了45分钟", "收了1200块钱押金", "水压0.3兆帕太低", "楼上楼下都满意",
    "路灯坏了4盏", "一二三楼都没水", "希望有KTV和健身房", "垃圾分类做得好，95分", "120救护车进不来",
    "ETC通道太窄", "2019-11-05停过电", "新修了6公里绿道", "电费0.45元一度", "建议设置24小时自助区",
    "5G信号不好", "改造用了18个月", "85%的人同意", "共有12345户", "满意",
)  # fmt: skip
HELD_BACK = (
    "打不通{mobile}这个电话", "{mobile}，物业经理电话", "联系我{mobile_space}（微信同号）",
    "电话号码为{mobile_dash}。", "我妈的手机{mobile_full}", "报修电话写的{mobile_cn}是空号",
    "居委会电话{landline}一直占线",
    "办低保用的{id18}", "证件号{id_bad}登记错了", "身份证：{id18}", "请打到{bank}，谢谢",
    "社保卡{bank_space}补办", "材料发{email}", "邮箱{email}，电话{mobile}", "微信{wechat}，QQ{qq}",
    "加我微信：{wechat}，有照片", "QQ号是{qq}", "僵尸车{plate}占位三个月", "车主({plate})请挪车",
    "本人住{door}，楼上漏水", "投诉{door}违建", "{street}{number}号的房子漏雨", "昨天{ip}无法访问小程序",
    "我{birth}出生，可以办老年证吗", "生日是{birth}", "积水点({coordinate})", "受理单{number9}",
    "订单号{code}没有发货", "会员{code}，手机{mobile}",
    "我叫{name}，今年60岁", "请转告{name}医生", "经办人：{name}", "{name}大爷腿脚不便",
    "居民{name}反映，楼道堵塞", "谢谢{name}站长",
    "每平方米1.8元", "2019年11月5日下午3点停电", "路口红灯90秒", "共有23栋楼没有电梯",
    "人均公园绿地9.6平方米", "比去年多了120户", "K1路公交取消了", "满意度98%", "10086信号差", "全年开放300天",
    "办证跑了4趟", "社区有2.3万人", "100米外有地铁", "建议每周开放2次", "罚款2000元太多", "电瓶车限速25公里",
    "60平米的活动室太小", "招聘了15名网格员", "二〇一九年改造", "第十三届运动会", "要有AED急救设备",
    "三楼到五楼没有灯", "16岁以下免费", "空调26度", "3年没清洗水箱", "1号楼到6号楼管道老化", "停车费5元/小时",
)  # fmt: skip
NUMERIC = (
    "mobile", "mobile_dash", "mobile_space", "mobile_full", "mobile_cn", "id18", "id_bad", "landline", "bank",
    "bank_space", "email", "wechat", "qq", "plate", "door",
    "number", "ip", "birth", "coordinate", "number9", "code",
)  # fmt: skip
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂"
_STREETS = ("翠湖北路", "人民中路", "文林街", "白塔巷")


def _check(digits: str) -> str:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(w * int(d) for w, d in zip(weights, digits, strict=True)) % 11]


def _value(kind: str, rng: random.Random) -> str:
    def digits(n: int) -> str:
        return "".join(rng.choice("0123456789") for _ in range(n))

    mobile = f"1{rng.choice('3456789')}{digits(9)}"
    day = (rng.randint(1940, 2001), rng.randint(1, 12), rng.randint(1, 28))
    body = f"5301{rng.randint(2, 29):02d}{day[0]}{day[1]:02d}{day[2]:02d}{digits(3)}"
    bank = f"62{digits(rng.choice((14, 17)))}"
    made = {
        "mobile": mobile,
        "mobile_dash": f"{mobile[:3]}-{mobile[3:7]}-{mobile[7:]}",
        "mobile_space": f"{mobile[:3]} {mobile[3:7]} {mobile[7:]}",
        "mobile_full": mobile.translate({ord(str(k)): chr(0xFF10 + k) for k in range(10)}),
        "mobile_cn": mobile.translate(str.maketrans("0123456789", "零一二三四五六七八九")),
        "id18": body + _check(body),
        "id_bad": body + next(c for c in "0123456789X" if c != _check(body)),
        "landline": f"0871-{rng.choice('3568')}{digits(7)}",
        "bank": bank,
        "bank_space": " ".join(bank[k : k + 4] for k in range(0, len(bank), 4)),
        "email": rng.choice(("zhang", "km_li", "wang.f")) + digits(3) + rng.choice(("@qq.com", "@yn.cn")),
        "wechat": f"{rng.choice(('lihua', 'wxid_k', 'ynkm'))}{digits(4)}",
        "qq": f"{rng.choice('123456789')}{digits(rng.randint(6, 9))}",
        "plate": f"云A{rng.choice(('', '·'))}{rng.choice('ABDFGH123')}{digits(4)}",
        "door": rng.choice((
            f"{rng.randint(1, 40)}栋{rng.randint(1, 4)}单元{rng.randint(1, 30)}0{rng.randint(1, 4)}室",
            f"{rng.randint(1, 40)}幢{rng.randint(1, 30)}0{rng.randint(1, 4)}",
            f"{rng.randint(1, 20)}-{rng.randint(1, 4)}-{rng.randint(1, 30)}0{rng.randint(1, 4)}",
        )),
        "number": str(rng.randint(1, 400)),
        "ip": ".".join(str(rng.randint(1, 254)) for _ in range(4)),
        "birth": rng.choice(("{}年{}月{}日", "{}-{}-{}", "{}.{}.{}")).format(*day),
        "coordinate": f"102.{digits(6)},25.{digits(6)}",
        "number9": digits(9),
        "code": f"KM{digits(6)}",
        "street": rng.choice(_STREETS),
        "name": rng.choice(_SURNAMES) + "".join(rng.sample(_GIVEN, rng.choice((1, 2, 2)))),
    }  # fmt: skip
    return made[kind]


def sentences(templates: tuple[str, ...], n: int, seed: int) -> list[tuple[str, list[tuple[int, int, str]]]]:
    """``n`` sentences a template: text and the places (start, end, kind) of its identifiers."""
    rng = random.Random(seed)
    out = []
    for template in templates:
        for _ in range(n if "{" in template else max(1, n // 4)):
            text, places, rest = "", [], template
            while "{" in rest:
                before, _, rest = rest.partition("{")
                kind, _, rest = rest.partition("}")
                value = _value(kind, rng)
                text += before
                if kind != "street":
                    places.append((len(text), len(text) + len(value), kind))
                text += value
            out.append((text + rest, places))
    return out
