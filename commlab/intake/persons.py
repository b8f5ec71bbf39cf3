"""Names of persons in free text, as far as cues give them away.

Words that announce a name (我叫, 联系人:), roles before it (网格员马晓东), titles behind it (李秀英阿姨) and the
nicknames 老王, 小马 are cues everywhere. In free text a surname with characters that given names are made of is
a name too: wherever it stands when they hardly make another word, otherwise where somebody is spoken of
(走访, 其子, 与 ... 核实) or beside another name. No rule finds all names, which is why free text stays behind intake.
"""

from __future__ import annotations

import re

__all__ = ["HAN", "SURNAMES", "find_names"]

HAN = r"\u3400-\u4dbf\u4e00-\u9fff"
# The commonest 200 or so (公安部 2020 name report) and those common in Yunnan.
_COMMON = (
    "王李张刘陈杨赵黄周吴徐孙胡朱郭何罗郑梁谢宋唐韩曹邓冯萧程蔡彭潘袁董余苏叶吕魏蒋田杜沈姜范傅钟卢汪戴崔任陆廖姚谭邹熊金郝孔白康毛邱秦史顾侯邵孟龙万段"
    "雷钱汤尹黎易武乔贺赖龚庞樊施倪颜殷邢岳芦宁聂尤裴阮鲍柴翟耿莫蓝穆柳普木刀纳曾许贾章舒沐岑晏寸杞"
)
_AMBIGUOUS = "马高林方石夏丁江洪薛阎温祁常安严牛向文童路左吉屈鲁伍季成车解符凌项翁甘房华焦葛牟柯冉关欧盛司戚喻梅游盘古和沙保虎尼岩查官单"
SURNAMES = _COMMON + _AMBIGUOUS
# Rarer ones; only before characters of given names, and where persons are spoken of.
_RARE = (
    "于陶柏缪窦詹甄蒙资者字角鲜苗杭浦代尚毕邬申郎俸刁鄢卓桂敖滕匡宗骆蒲褚卫屠巫涂谷瞿艾荣鞠占桑闵景仇佟丛况鹿覃冼苟闫付仝佘茶罕召线旃赛肖包米禹乐应戈尧芮储靳糜松奚侬费廉薄湛羊於惠麻强阙饶那简曲国明晋"
    "楚闻党燕冷訾阚帅缑亢归海凤寇隆利蔚阳佴束原乌候栾逄亓娄卜矣时纪邝臧辜巩隋郜栗谌漆卞仲逯冀郏别晁俞祝"
)
_DOUBLE = (
    "欧阳|上官|司马|诸葛|司徒|夏侯|皇甫|尉迟|令狐|慕容|鲜于|东方|公孙|轩辕|端木|长孙|宇文|申屠|呼延|独孤|南宫|闻人|太史|澹台|赫连|万俟|"
    "钟离|濮阳|淳于|单于|太叔|仲孙|公羊|闾丘|宗政|拓跋|东郭|百里|第五|纳兰"
)
# Characters that given names are made of and few other words, and those that many other words have too.
_STRONG = (
    "兆伟芳娜秀英敏丽强磊军洋勇艳杰娟涛超兰霞刚桂辉玲鹏飞玉红梅燕凤珍琴莲荣莺媛佳嘉琼莉璐娅琦晶妍茜珊莎锦黛倩婷姣婉娴瑾颖瑶怡婵雁蓓琳蓉薇菁梦岚婕馨韵咏聪澜毓昭琬茗羽欣筠芸菲枝庆裕哲浩亮谦翰宏斌栋翔旭"
    "泽晨辰炎泰雄琛钧腾楠榕弘贵福祥彬昌茂坚彪震豪邦绍俊峻峰志宇轩涵萱梓雨思诗琪彤莹洁慧淑惠蕾芬芝芹菊翠虹娥娣凯帆鑫淼焱柱忠孝仁勋儒宝喜寿耀麟骏跃冰丹霄璇玥玮珂珏瑞瑛璟雯霖媚嫦姗姝娇妮婧甜萍萌蓝蕊菱"
    "葵荷苹蕴晖晗昊昱曦朋滨澄漪潇炜烨煜熙焕煌卿仙仪伶侠俏倪偲冬凌勤嵩巍峥岭帅廷彦徽懿捷擎攀斐昕昆晟曼杉枫桐柯棠樱歆沁沛津济浦渊湘溪滢灿灵焰燊珠琨琰瑜璋璞甫皓盼睿砚碧祺禾秉竹笑筱粤紫绮缨翎翼芊芙苇茵"
    "菀萧蒙虎蜜衡诚谊豫贞赟逸邵钊钰铁铃铭锋锐镇闯阔隽霆颜馥驰鸿鹃鹤黎龙娆姬婶尧奎炳坤垚培堃增奕孜宪崇巧廉弼徐恺悦愉慈戈拓振挺敬旺昀晏晴朔杏枚柳栩桃梁棋楷榆樊兵果群曙粉莘妹桦槐椿栗珩珣瑄璘妙妤嫣嫄禹"
    "雅静翊睦聆舜芮苓苒茉荃荔葆蔓衍诺赫轶迅迪郁铎铠锴骐骅骥鲲麒"
)
_WEAK = (
    "小卫会全发安保静洪云月香平文明建国华春秋夏花海江林森山川永远长世光学书武东西南北中正宁乐康健民政善功友义德达维顺新天心有才成生行和信万金银富财加立力嫂少子家士良元兴盛胜利彩青清源泉水波浪宽厚道松柏石岩素"
    "美好爱恩怀念从克继承启航晓朝阳星照雪霜露雷风叶树根木本高升起余贤能尚礼智令权朗毅恒定业昂豹凡奇绪传祖宗守方向君臣相伯仲叔季老仕同勉励图钢铜锡理琢绣纯细经纬聚蓬莱藏蓄衣袖谋谢谱赋赞赐越趣轻辛近逊"
    "致途速造连逢遥邻量鉴针闲闻阶陆陵陶随隆难集际面音顶项须顾飘首马骄骨鲁鲜鸣黄"
)
_FIRST = "".join(double[0] for double in _DOUBLE.split("|"))
_SECOND = "|".join(f"(?<={double[0]}){double[1]}" for double in _DOUBLE.split("|"))
_TWO = rf"[{_FIRST}](?:{_SECOND})"
_ALL = rf"(?:{_TWO}|[{_COMMON}{_AMBIGUOUS}{_RARE}])"
_GIVEN = rf"[{_STRONG}{_WEAK}]{{1,2}}"
_SURE = rf"(?:{_TWO}|[{_COMMON}])"
_ANY = rf"(?:{_TWO}|[{SURNAMES}])"
_TITLED = rf"(?:{_TWO}|[{_COMMON}马高林方石夏丁江洪薛严童鲁葛华])"
_KIN = "大爷|大妈|大叔|大姐|大哥|大嫂|大伯|阿姨|奶奶|爷爷|大娘|大婶|叔叔|伯伯|婆婆|老师傅|姐|哥|叔|姨|婶|嫂|伯|嬢嬢|嬢|孃孃|孃"
_TITLES = (
    "先生|女士|小姐|老师|主任|书记|师傅|医生|护士|经理|站长|所长|队长|组长|警官|同志|老人|老板|校长|院长|科长|局长|处长|会长|委员|律师|保安|"
    "主席|科员|干事|大夫|教练|总监|馆长|股长|镇长|村长|支书"
)
_ROLES = (
    "网格[员长]|门卫|楼栋长|楼长|单元长|志愿者|社工|保安|保洁员?|邻居|房东|房主|租客|租户|承租人|住户|居民|村民|业主(?![任管])|老公|老婆|丈夫|妻子|爱人|媳妇|儿子|女儿|女婿|儿媳|"
    "孙子|孙女|外孙女?|爸爸?|妈妈?|父亲|母亲|爷爷|奶奶|外公|外婆|公公|婆婆|哥哥?|姐姐?|弟弟?|妹妹?|孩子|同学|同事|工作人员|办事员|办事的|书记|主任|站长|经理|队长|"
    "组长|医生|老师|师傅|户主|患者|户籍警|片警|民警|辅警|党员|干部|负责人|法人|男子|女子|本人|残疾人|低保户|老人|街坊|群众"
)
_ANNOUNCED = (
    "我叫|名叫|叫做|名字是|名字叫|名字|姓名|联系人|经[办手]人|填表人|填报人|审核人|投诉人|反映人|反映问题的|举报人|申请人|当事人|责任人|受访人|被访人|"
    "代理人|监护人|承租人|收[件货]人|接待人|户主|业主(?![任管])|居民|署名|签名|落款|首报人?|报告人|被[骗盗打]人|受害[人者]|受益人|捐[款赠]人|[事失]主|对方|伤者|法人(?:代表)?|法定代表人|代表|一个叫|有个叫|叫"
)
_EDGE = r",。.;、:!?()\s\0\x01"
_GOES_ON = rf"(?=[{_EDGE}]|$|[^{HAN}]|[电手反的住联说投在是家和跟也都不没去来今很给帮态负办把被从找同年男女这那上回签做打腿身瘫患即就已经热又还曾常总最会要想能等与向对为让叫请老讲先服])"
# behind weaker cues only what hardly continues a word
_THEN = rf"(?=[{_EDGE}]|$|[^{HAN}]|家|的|说|住|反映|态度|腿脚|办的|回电|即可|电话|身份证|也|很|都|[这那]个?|天天|半夜|经常|今年)"
_NOTHING_MORE = rf"(?=[^{HAN}]|$)"
_NICK = "王李张刘陈杨赵黄周吴徐孙胡朱郭何罗郑梁谢宋唐韩曹邓冯马高林方石夏丁段普江崔蒋魏田杜沈姜范傅钟卢汪任陆廖姚谭邹熊孔康毛邱秦史顾侯孟龙钱汤尹"
_MINOR = "岩玉依艾阿买扎次尼格桑卓央旦多才仁白玛热古吐努麦伊库赛亚迪木阿德拉乌哈娜波罕香叶"  # how names of other peoples begin
_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LATIN_NAME = r"[A-Z][a-z]+(?:\s[A-Z][a-z]*\.?){0,2}"
# What begins like a name and is none.
_WORDS = (
    "马上|马路|马桶|高兴|高度|高峰|高层|高龄|高中|高级|高速|高温|高空|方便|方面|方案|方式|方向|安全|安静|安装|安排|周边|周围|周末|周[一二三四五六日天]|常常|"
    "常年|常态|平时|白天|白色|白发|金额|万一|万元|江边|解决|夏天|花园|洪水|石头|路[灯边面口上段]|井盖|毛病|成立|成为|程度|任何|任务|施工|单位|单元|单身|关于|"
    "关心|关系|温度|车[位辆库子主]|党员|文明|文化|文件|明显|易燃|易爆|相关|商店|商户|司机|安保|严重|严格|严禁|向上|向来|和谐|和睦|和平|保安|保洁|保证|"
    "保护|保持|官方|查询|查看|古城|古树|古镇|林立|林荫|房屋|房子|房东|房租|华侨|华丽|金秋|金融|田地|水田|沙发|沙土|柴火|钟点|汤面|黄色|黄昏|黄金|蓝色|"
    "白天|康复|康乐|宁可|宁静|幸福|乔迁|武术|万分|易于|顾客|顾问|任意|何时|何必|胡乱|胡同|余额|余下|于是|毛坯|木门|木材|木头|叶子|杨树|柳树|梁柱|"
    "唐突|程序|康养|全体|童年|文体|成员|成本|成都|成绩|吉祥|欧式|游客|游乐|梅花|盛大|季度|常住|左右|左边|左侧|伍佰|石板|石桥|江苏|夏季|丁字|雷雨|"
    "龙头|金属|白领|白血|陈旧|陈述|谢谢|温馨|何况|解释|施舍|都是|孔洞|史上|侯车|常[来去在有说住用到把被遇出发]|严[查肃惩办]|保[密留障修]|安[居心然慰插排家]|何去|易[被出发造滋碎损]|万[事物分]|曾经|许[多可愿]|章程|舒[服适心畅]|尤其|莫名|莫非|普通|普遍|普及|刀具|纳入|纳税|纳凉|武汉|武昌|党[风政]|廉[洁政租]|阳宗海|[一二三四五六]期|孙[女子]|文本|滇池|金马|金碧|阿里|代表|申请|水平|麻将|解[散除放]|应该|应急|应当|对应|国家|国际|信息|利用|利益|商量|明天|明年|明白|明确|年轻|年龄|高新|高明|安康|安心|康明|纪[律检要念委录实]|时[间候期段常刻代长速有不]|万达|万科|万福|洪灾|时代|强烈|强行|惠民|惠及|盛世|占用|占道|占据|强制|全部|全家|全国|路政|华为|平安|文艺|文山|相信|关注|关爱|关怀|宣传|介绍|原来|原因|越来|经济|经常|农村|居民|公园|公里|容易|空间|平台|应由|党[委支群]|那[个边里么]|简单|简直|海埂|海拔|归还|寿命"
)
_NO_NAME = re.compile(rf"(?:{_WORDS})")

# each with characters of which a text must have one
_PATTERNS = tuple(
    (frozenset(needs), re.compile(pattern))
    for needs, pattern in (
        ("·", rf"(?:{_ANNOUNCED}|{_ROLES})\s?[:是为叫]?\s?(?P<x>[{HAN}]{{1,8}}(?:·[{HAN}]{{1,8}}){{1,3}})"),
        (_CAPITALS, rf"(?:{_ANNOUNCED}|我是|name\sis|I\sam|I'm|Mr\.?|Mrs\.?|Ms\.?|Miss)\s?[:是为叫]?\s?(?P<x>{_LATIN_NAME})"),
        (":是为叫", rf"(?:{_ANNOUNCED})\s?[:是为叫]\s?(?P<x>[{HAN}]{{2,4}}){_NOTHING_MORE}"),
        ("名叫", rf"(?:我叫|名叫|姓名|名字[是叫]?)[:是为\s]{{0,2}}(?P<x>[{_MINOR}][{HAN}]{{1,7}}){_NOTHING_MORE}"),
        ("叫名人主民题签落代报方者", rf"(?:{_ANNOUNCED})(?:是|为|叫|[:\s])*(?P<x>{_ANY}[{HAN}]{{1,2}}){_GOES_ON}"),
        ("", rf"(?:我是|本人|俺是|我姓名)[:\s]*(?P<x>{_ANY}[{HAN}]{{1,2}})(?=[{_EDGE}]|$)"),
        ("老小阿", rf"(?P<x>[老小阿][{_NICK}])(?:{_TITLES}|{_KIN})"),
        ("", rf"(?P<x>{_TITLED}(?![{_COMMON}](?:{_TITLES}))[{HAN}]{{1,2}}?|[{_RARE}{_AMBIGUOUS}][{_STRONG}]{{1,2}})(?:{_TITLES}|大爷|大妈|大叔|大姐|大哥|阿姨|奶奶|爷爷|大娘|大婶|叔叔|伯伯)"),
        ("", rf"(?P<x>(?:{_TITLED}|(?<![{HAN}])和)(?:{_TITLES}|{_KIN}))(?![{HAN}]?[弟妹夫])"),
        ("", rf"(?:{_ROLES})(?!和)(?P<x>{_ANY}[{HAN}]{{1,2}}){_GOES_ON}"),
        ("老小阿", rf"(?:{_ROLES})(?P<x>[老小阿][{_NICK}])"),
        ("老小阿", rf"(?<![{HAN}])(?P<x>[老小阿][{_NICK}])(?=[{_EDGE}]|$|的|说|家|来|去|在|他|她|和|跟|态|做|办|帮|很|是|也|就|都|把|被|给|人)"),
        ("老小阿", rf"(?<=[找叫让请问跟和对里给是])(?P<x>[老小阿][{_NICK}])(?=[{_EDGE}]|$|的|说|家|来|去|他|她|态|做|办|帮|很|没|反|修|要|拿)"),
        ("", rf"(?:感谢|表扬|多亏|投诉|举报|点名)(?P<x>{_SURE}[{HAN}]{{1,2}}){_NOTHING_MORE}"),
        ("", rf"(?:隔壁的?|楼[上下]的?|对[门面]的?|找|请|联系|接待我的)(?P<x>{_ANY}[{HAN}]{{1,2}}){_THEN}"),
        ("", rf"(?<![{HAN}])(?P<x>{_SURE}[{HAN}]{{1,2}})(?=的?(?:身份证|电话|手机号|住址)|\((?:业主|住户|居民|租户|户主|男|女|本人|.族))"),
        ("某x×X*三四五六", rf"(?:(?<![{HAN}])|(?<=[与和跟将对]))(?P<x>{_SURE}(?:某{{1,2}}|[x×X*]{{1,2}}|[三四五六]))(?![{HAN}a-zA-Z]{{0,1}}[路街区期栋号层楼])(?=[{_EDGE}]|$|[等家反投和与说的都也在])"),
        ("老", rf"(?<![{HAN}])(?P<x>{_ALL}老[大二三四五六七])(?![手师爷])"),
        ("*×＊xX", rf"(?<![\d*零一二三四五六七八九])(?P<x>{_ALL}(?:\s?[*×＊]\s?(?![宽高厚长深])[{HAN}]|[*×＊]{{2}}))(?![路街巷号\d])"),
        ("\0\x01", rf"(?<![{HAN}])(?P<x>{_SURE}[{HAN}]{{1,2}}|{_ALL}{_GIVEN})(?=\s?[:,]?\s?\x01|家?[\0\x01]|(?:反馈|来电|座机|手机|家?固?电话|微信)\s?\x01)"),
        ("男女族", rf"(?<![{HAN}])(?P<x>[{HAN}]{{2,4}})(?=[,(]\s?(?:男|女|[{HAN}]{{1,3}}族)(?![{HAN}])|\([男女]\))"),
        ("住反来提首签诉称表负代", rf"(?<![{HAN}])(?P<x>{_ALL}(?:{_GIVEN}|(?<=[{_COMMON}])[{HAN}]{{2}}))(?<![区局所委会院司镇村府科办处组员])(?=住(?![户宅房])|反[映馈]|来[电访]|提出|首报|签[字收]|投诉|[报自]?称|表示|负责|代领)"),
        ("男女孕年身住现系患电手微党岁已", rf"(?<![{HAN}\w])(?P<x>{_SURE}[{_STRONG}]|{_ALL}[{_STRONG}]{{2}})(?=[,;](?:男|女|[孕年身住现系患电手微党已]|\d{{2}}岁))"),
        ("\0", rf"\0\s?(?P<x>{_SURE}[{HAN}]{{1,2}})(?=[{_EDGE}]|$|反映|家)"),
        ("阿", rf"(?<![{HAN}])(?P<x>阿[华强明芳珍英红军平龙虎辉珠香])(?=[{_EDGE}]|$|的|说|家|来|去|在|帮|很|是)"),
    )
)  # fmt: skip
_NO_PLACE = (
    r"(?![路街巷村县区镇乡市省州站桥寺山湖河江井坡营苑园楼]|[\u4e00-\u9fff]?[路街巷村镇桥](?!边|口)|社区|小区|医院|学校|[小中大]学|公[园司]|广场|花园|新村|大道|超市|药房|商场|酒店|"
    r"集团|银行|大厦|立交|国际|新城|家园|地铁|派出所|街道)"
)
# surname and given name by their characters alone, wherever they stand
_MADE = re.compile(
    rf"(?P<x>[{SURNAMES}{_RARE}{_FIRST}](?:(?<=[{_COMMON}])(?:[{_STRONG}][{_STRONG}{_WEAK}]|[{_WEAK}大][{_STRONG}])|"
    rf"[{_STRONG}]{{2}}|(?:{_SECOND})[{_STRONG}{_WEAK}]{{1,2}})){_NO_PLACE}"
)
# and more weakly made ones where somebody is spoken of
_MAYBE = re.compile(
    rf"(?P<x>[{SURNAMES}{_RARE}](?:[{_STRONG}{_WEAK}]{{2}}{_NO_PLACE}|[{_STRONG}](?:(?![{HAN}])|(?=[每两一于因现正本仍未入系时拒报收参核愿负担摔提表代协已自])|{_GOES_ON})|"
    rf"(?<=[{_COMMON}])(?:[{_WEAK}](?:(?![{HAN}])|{_GOES_ON})|[{HAN}]{{1,2}}(?=[{_EDGE}]|$))))"
)
_SPOKEN_OF = re.compile(
    rf"(?:{_ANNOUNCED}|{_ROLES}|走访人?|访[到问]|探[视望]|慰问|来[访电]|登记人?|[登填上]报人|经办|报[修警案]人|受理人|记录人|[家亲]属|死者|逝者|对象|嫌疑人|行为人|当事人?|双方|"
    r"[其之他她][子女父母妻夫弟兄姐妹]|[姑姨舅叔伯]?[父母妈爸]|夫|妻|[长次独孙侄][子女]|儿童|[男女]童|少年|[甲乙丙]方|提到|载明|助理|替|帮|车主|户名|签[字名收]|批示|医生|[民刑交辅协巡]警|专[干员]|老师|教师|护[士工]|委托|由|"
    r"陪同|[与和跟同及向对给请让找叫被将]|安排|调[出入离]|疑为|认定|转[给交告]|交[给由]?|隔壁|楼[上下]|对[门面]|称[为其]?|自称|名单|[组队站科所部院校会村厂行店团馆处局]长|[孤婴]儿|[老病伤]人|[孕产]妇|"
    r"[员人者师工生户主长]|代笔|联名|签到|绰号|系|[栋楼]长|居民|街坊|那个|这个|姓\s?名|我[是叫]?|[\"“”'(、:;\0\x01])\s?[:是为叫系即里中到]?[:\s\"“(]{0,2}$"
)
_BESIDE = rf"[{SURNAMES}{_RARE}](?:[{_STRONG}{_WEAK}]{{1,2}}|(?<=[{_COMMON}])[{HAN}]{{1,2}}?)"
_LISTED = (  # beside a name
    re.compile(rf"\0[、和与及跟](?P<x>{_BESIDE})(?=[{_EDGE}、]|[等和与及跟]|$)"),
    re.compile(rf"(?P<x>{_BESIDE})(?=[、和与及跟]\0)"),
)
_FOREIGN = "买提江阿不都力木合艾孜古丽热依玛吐尔逊帕尼沙库班肉扎克迪卡哈里巴图格桑卓扎西央宗次仁旺堆尼玛拉姆多吉达瓦平措罗布米吾斯曼赛麦买尔亚森伊努艳"
# with what a text must have to be looked at
_OTHERS = tuple(
    (frozenset(needs), re.compile(pattern))
    for needs, pattern in (
        ("·", rf"(?<![{HAN}])(?P<x>[{_FOREIGN}][{HAN}]{{0,3}}[{_FOREIGN}](?:·[{_FOREIGN}][{HAN}]{{0,3}}[{_FOREIGN}]){{1,2}})(?![{HAN}])"),
        ("", rf"(?P<x>[{_FOREIGN}]{{4,8}})"),
        ("艾买吐帕迪卓扎旺玛肉桑依", rf"(?:{_ANNOUNCED}|{_ROLES})(?P<x>[艾买吐帕迪卓扎旺玛肉桑依][{_FOREIGN}]{{1,3}}){_GOES_ON}"),
        ("", rf"(?P<x>[岩玉依咩波][温香罕腊坎尖旺宰甩迈囡喃糯应扁嫩涛康]{{1,2}})(?![{HAN}]?[路村寨])"),
        (" ", rf"(?<![{HAN}])(?P<x>(?!单\s元)[{SURNAMES}{_RARE}]\s[{HAN}](?:\s[{HAN}])?)(?![{HAN}]|\s[{HAN}](?![{HAN}]))"),
        ("姓", rf"(?:免贵|[他她我邻居])姓(?P<x>[{SURNAMES}{_RARE}])(?=[{_EDGE}]|$)"),
        ("名", rf"姓\s?名[:\s]{{1,3}}(?P<x>[{SURNAMES}{_RARE}]\s?[{HAN}](?:\s?(?![性年民出身电住籍联])[{HAN}])?)(?=[{_EDGE}]|$)"),
    )
)  # fmt: skip
# ends of another word before what looks like a surname
_ACROSS = re.compile(
    "[对关由属位处终至等]于|[工流过课教里日行全]程|[主责信担]任|[工物投出]资|[打面钱红]包|[地对双官警方各]方|[提最]高|[收水电缴免付消花租]费|[订工名账简清]单|[公上]司|[了理化调]解|[门防]卫|[停汽电修堵]车|"
    "[楼住租平危]房|[儿孩]童|[有相机开海无]关|[检调巡核排抽]查|[社医低环确担]保|[完建造达变]成|[道马公铁修]路|[方]向|[作人公]文|[安]宁|[正经日平]常|[保公治]安|[现资租押基奖罚]金|[一二三四五六七八九十几数0-9]万|"
    "[明雪]白|[付收的块少要交花]钱|[历]史|[多其剩]余|[照回不]顾|[时路地阶]段|[措设实]施|[园森树]林|[红绿落树]叶|[允也]许|[规公盖]章|[感]谢|[容交贸]易|[小社园校片]区|[银农工建交]行|[年日农]历|[越]越"
)
_FREE = frozenset("\0\x01")  # nothing of these in a name: taken before
_PLACES = frozenset("镇乡村街县区市州省")  # 松峰镇 is nobody
_LOOK = 8  # characters before a name in which it is told that somebody is spoken of
_CUE = re.compile(
    rf"叫|名|人|主|民|长|员|者|本人|我是|公|婆|夫|妻|儿|邻|东|租|工|事|干部|[谢扬亏诉报找请]|[老小阿][{_NICK}]|{_TITLES}|{_KIN}|爸|妈|父|母|爷|弟|妹|[子女]|"
    rf"隔壁|楼[上下]|对[门面]|联系|身份证|电话|手机|某|[xX×*]|[三四五六]|阿|\sam\s|name|M[rsi]|\0|\x01|代表|族|[男女住]|同学|接待|反映|户|\("
)


def find_names(work: str, *, free: bool = False) -> list[tuple[int, int, str]]:
    """Places of names in a folded text; in ``free`` text also such as only their characters give away."""
    found: list[tuple[int, int, str]] = []
    chars = {*work}

    def take(pattern: re.Pattern[str], spoken_of: bool = False) -> None:
        nonlocal work
        match = pattern.search(work)
        while match:
            start, end = match.span("x")
            fits = (
                work[end - 1] not in _PLACES
                and not _NO_NAME.match(work, start)
                and not (start and _ACROSS.match(work, start - 1))
                and _FREE.isdisjoint(work[start:end])
                and (not spoken_of or _SPOKEN_OF.search(work, max(0, start - _LOOK), start))
            )
            if fits:
                found.append((start, end, "name"))
                work = work[:start] + "\0" * (end - start) + work[end:]
                chars.add("\0")
            match = pattern.search(work, end if fits else start + 1)

    if _CUE.search(work):
        for needs, pattern in _PATTERNS:
            if not needs or not needs.isdisjoint(chars):
                take(pattern)
    if free:
        take(_MADE)
        for needs, pattern in _OTHERS:
            if not needs or not needs.isdisjoint(chars):
                take(pattern)
        take(_MAYBE, spoken_of=True)
        for pattern in _LISTED if found else ():
            take(pattern)
    return found
