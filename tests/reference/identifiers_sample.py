"""A labelled sample of free text with invented identifiers.

``WORKED`` templates were looked at while the rules were written; ``HELD_BACK`` templates were written
afterwards and the rules were not changed for them. ``ODD`` and ``FRESH`` are single sentences with values written in
odd ways (``⟦kind|value⟧``, ``<zw>`` a zero-width space): the rules were mended on ``ODD``; ``FRESH`` was written after
that, measured once, and no rule was changed for it. All values are made by the seeded generator below:
numbers from ranges that follow the public formats (ID numbers: GB 11643-1999 with its mod 11-2 check
character; mobile numbers: 11 digits from 13 to 19; bank cards: 16 and 19 digits), names from common
characters. No person is meant.
"""

from __future__ import annotations

import random
import re

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
ODD = """
麻烦让网格员回个话，⟦mobile|１５８ ７１２３ ４５６７⟧，晚上在家
我妈不会打字，打她⟦mobile|一八七，零八八五，六六二一⟧就行
物业刘经理⟦mobile|135.7788.9012⟧从来不接
联系:⟦mobile|1<zw>3<zw>8<zw>0<zw>0<zw>1<zw>3<zw>8<zw>0<zw>0<zw>0⟧（中间有空格防屏蔽）
手机⟦mobile|壹叁玖捌柒陆伍肆叁贰壹⟧，请保密
⟦mobile|+86-177-8899-1234⟧ WhatsApp也可以
请联系⟦mobile|(86)18987654321⟧
打⟦mobile|1 5 9 1 2 3 4 5 6 7 8⟧找我老公
楼栋长的号⟦mobile|166—1234—5678⟧
我的号码倒过来写怕被骗：⟦mobile|l3888l23456⟧
区号⟦landline|0871 6515 8888⟧转物业
社区办公室⟦landline|６５３１２２４４⟧一直没人
传真⟦landline|0871－6312 0098⟧
街道电话⟦landline|(0871)6718 0022-803⟧
办事窗口的电话是⟦landline|零八七一 六三三五 一二三四⟧
身份证⟦id|530102 19850307 1234⟧填错一位
低保号跟身份证一样⟦id|５３０１０３１９６２０９１８００２Ｘ⟧
我爸证件⟦id|五三零一零二一九五零零一零一零零一八⟧
老证号⟦id|530111620918001⟧还能用吗
身份证后面几位写的⟦id|5301**********0018⟧
护照⟦number|E12345678⟧的外国人能办居住证吗
工资卡⟦bank|6228-4800-8612-3456-789⟧没收到补贴
建行⟦bank|６２１７ ００３９ ５０００ １２３４ ５６７⟧
退到⟦bank|4367420012345678⟧
卡尾号不对，应该是⟦bank|62284803 12345678 91⟧
邮件⟦email|zhang_san88 @ 163 .com⟧收不到
⟦email|km.wuye＠qq．com⟧这个邮箱退信
发到⟦email|lily2001#gmail.com⟧（#换成@）
加V⟦account|lhm_1986⟧拉你进群
微信号⟦account|abc-xyz520⟧，昵称随便
扣扣⟦account|三八四七一二九五六⟧
Ｑ群⟦account|７８９１２３４５６⟧里有人骂人
她的openid是⟦account|oX3Ab5kLmNoPqRsTuVwXyZ012345⟧
抖音号⟦account|kmcuihu2019⟧发的视频
⟦plate|云 A 8 K 3 2 1⟧堵住大门
一辆⟦plate|云ＡＦ２３４５６⟧的电车飞线充电
⟦plate|川a-77b21⟧长期占位
外地车⟦plate|粤B·D12345⟧
我家是⟦address|五栋三单元十二楼一二零三⟧
翠湖名苑⟦address|６幢１２０４⟧漏水
⟦address|3号楼2单元5楼东户⟧半夜装修
文林街⟦address|33号院5幢⟧门口有野狗
大普吉村⟦address|二组45号⟧没通自来水
住⟦address|B座1701⟧的租户扰民
⟦address|11#2-602⟧楼道堆杂物
查到发帖IP⟦ip|１０．１８．２２．１０３⟧
⟦ip|fe80::1ff:fe23:4567:890a⟧连不上
老人⟦birth|八五年三月七号⟧生的，够不够条件
⟦birth|1949/10/1⟧出生，想办高龄津贴
出生年月日：⟦birth|19620918⟧
井盖在⟦coordinate|N25.0412 E102.7098⟧附近
位置⟦coordinate|102°42′31″E，25°2′20″N⟧
我叫⟦name|普文华⟧，残疾人
⟦name|钱七⟧大爷不给签字
网格员⟦name|马晓东⟧很负责，要表扬
希望⟦name|段燕⟧书记来看看
反映人：⟦name|纳志刚⟧（回族）
群里⟦name|小马⟧说下周停水
社保编号⟦number|5301020012345678⟧查不到
工单号⟦number|KM20191105-0032⟧没有回音
昆政办〔2019〕33号文件贴出来了吗
三令五申也没用，一五一十说清楚
四五六七八楼都没水压
八九十年代的老房子，两三千块一平
一二三四五六七八号楼都要改造
G56高速噪音大，PM2.5超标
国庆7天假，10:30-12:00没人值班
GB50180规定的标准达不到
H5页面打不开，扫QR码也不行
车位300块/月，一年3600
2019.11.05到2019.12.31封路
希望2020年1月1日起执行
110千伏高压线离楼太近
九九重阳节慰问了1200多位老人
三七二十一楼没有灯
1-3号楼电梯已经修好，5、6、7栋还没有
打了12345、12315都没回应
楼上住户养了2只狗
第三十二条规定业主可以提议
wifi密码没公布，APP闪退
社区18岁以上居民8600人
0.5公里内没有菜市场
投了反对票127票，赞成票2031票
K12路、C138路公交车班次太少
小区2003年建成，共1286户、3521人
垃圾清运费从80元涨到120元/户
Windows系统太旧，用Excel填表很麻烦
2018年10月至2019年9月的账目没公示
整改率由85.6%提高到97.32%
面积89.67平方米，得房率78%
停水通知里留的⟦mobile|1<zw>7<zw>7<zw>6<zw>9<zw>8<zw>8<zw>1<zw>2<zw>3<zw>4⟧打过去是空号
晚上八点后可拨⟦mobile|138 - 8765 - 4321⟧
我是网格员，电话⟦mobile|１３５－０８７１－２２３３⟧
⟦mobile|一五八 八七六五 四三二一⟧是我儿子的
打⟦mobile|18 7 8 7 6 5 4 3 2 1⟧没人接，又打⟦mobile|15812345678⟧
⟦mobile|0086 139 8888 7777⟧
开锁师傅⟦mobile|①③⑧⑦⑥⑤④③②①⓪⟧贴满楼道
手机：⟦mobile|139，1234，5678⟧
⟦mobile|199_0871_2345⟧
号码⟦mobile|幺八六八七一二三四五六⟧记一下
居委会座机⟦landline|0871-6-532-1188⟧打不进
⟦landline|（０８７１）６５３４５６７８⟧
昆明局号⟦landline|63177890⟧请转社区
⟦landline|0871.68220011⟧
外地的区号⟦landline|010-8888 6666⟧
物业值班室⟦landline|6531-7788⟧
持证人⟦id|530103-1978-0912-4521⟧
⟦id|5 3 0 1 0 2 1 9 9 0 0 1 0 1 1 2 3 4⟧
身份证号是⟦id|５３０１２８１９８８１１１２００１ｘ⟧
⟦id|五三二五零一一九七五零六零六零零二三⟧办的社保
证件⟦id|530102<zw>19850307<zw>123X⟧
监护人证号⟦id|53012519700230456X⟧
农行卡⟦bank|6228 4800 8612 3456 78⟧
⟦bank|6217-8525-0001-2345-678⟧请核对
补贴打到⟦bank|６２１０９８１２３４５６７８９０１２３⟧
信用卡⟦bank|5187181234567890⟧被盗刷
邮箱⟦email|Liu.Wei@vip.163.com⟧
⟦email|ｘｕ＿ｌｉ＠ｓｉｎａ．ｃｏｍ⟧给我回信
写信到 ⟦email|zhao2000 艾特 qq点com⟧
微信⟦account|chun_feng666⟧，备注物业
薇信：⟦account|ABC20160808⟧
加我企鹅 ⟦account|100 8612 34⟧
QQ⟦account|１０３４５６７８９⟧
我的vx⟦account|kunming-wang⟧
微博@⟦account|cuihu_1988⟧
openid=⟦account|oABCD-efgh_1234567890ijklmn⟧
白色大众⟦plate|云A·3B7Q9⟧
⟦plate|云A<zw>12C45⟧违停
⟦plate|鄂A 12345⟧和⟦plate|云AD 88888⟧
新能源⟦plate|云AF12345⟧占用充电位
⟦address|8栋1单元603⟧楼上漏水
万达公寓⟦address|2幢A座1508室⟧
我住⟦address|十七栋二单元九零三⟧
小西门⟦address|12号院3栋2单元401⟧
月牙塘⟦address|4-3-602⟧
正义路⟦address|76号附5号⟧铺面
⟦address|7＃1102⟧半夜放音乐
我家门牌⟦address|15-2⟧
登录⟦ip|220.165.8.99⟧被封
IP：⟦ip|116．249．1．7⟧
设备地址⟦ip|2408:8400:1a:2b::1⟧
生于⟦birth|1956年12月3日⟧，要办优待证
我⟦birth|１９６３．０４．１８⟧生
出生日期⟦birth|一九七八年五月六日⟧
生日：⟦birth|88.12.01⟧
经度⟦coordinate|102.8321⟧纬度⟦coordinate|24.8801⟧
⟦coordinate|24.9736,102.6621⟧的路口
北纬⟦coordinate|25°02′11″⟧
业主⟦name|杨志强⟧，住了十年
我叫⟦name|马丽⟧。
请⟦name|高翔⟧主任解决
邻居⟦name|罗小琴⟧也反映过
⟦name|老段⟧说没人管
找⟦name|欧阳娜⟧老师帮忙
反映问题的是⟦name|李建国⟧
感谢⟦name|张翠花⟧！
卡号⟦number|20190012345⟧补办
取件码⟦number|873645⟧不对
门禁密码⟦number|8842⟧泄露了
孩子上三年级，学校在3公里外
今年1-10月共办理业务15632件，办结率99.2%
12月15日上午9点在活动室开会
2019年第4季度投诉量下降12.5%
物业费1.8元/平方米·月
公交K15、Z51、C75路都绕行
国务院令第379号写得很清楚
电梯限载1000kg，13人
社区老年食堂12元一餐，每天供应200份
3个小区合并后有5000多户
希望春节前（2020年1月25日前）完工
六楼以上没有二次供水
路宽只有4.5米，消防车进不来
充电桩功率7kW，电费0.9元/度
打110、119都来得快
96128、12319处理效率高
报名人数从1200人增加到3400人
二十四小时便利店，七天无理由
书法班、合唱队、太极拳，一周三次
一九九八年建的老小区
五点五公里的绿道，十多年没维护
楼道灯30W太暗，换LED
下载社区App要Android 8以上
5G基站离幼儿园50米
第3、4、5网格没有网格员
马上要过年了，路灯还没修
高层住户水压不够，常年漏水
周边没有停车位，方便一下群众
主任很负责，书记也常来
成立业主委员会已经2年，程序公开
居民代表大会应到65人，实到52人
投诉了18次，回复了3次
温度到了38℃空调坏了
新冠疫苗第2针什么时候打
满意度得分86.5，比上次高3.2分
收费标准：小车5元/次，月卡200元
房价从8000涨到12000
房租1500，押金3000
人均绿地11.68平方米
水电费共计2356.78元
"""
FRESH = """
隔壁租户留的电话是⟦mobile|147－5566－7788⟧
有空房请打⟦mobile|１8９12３4５6７8⟧，谢绝中介
联系我爱人 ⟦mobile|136<zw> 1234<zw> 5678⟧
⟦mobile|一八三六六零零一一二二⟧，晚七点后方便
快递员⟦mobile|152/0871/3344⟧乱扔包裹
投诉电话⟦landline|0871-67891234-8⟧转了半小时
座机号⟦landline|６８２３ １１２２⟧停机了
养老金核对用的⟦id|530181194808152217⟧
她的证件号⟦id|53 2301 1969 0225 0045⟧
身份证⟦id|530112199912310X1⟧写错格式了
医保号⟦id|５３０１１４１９５５０６０７１２３４⟧
存折⟦bank|6013 8227 0000 1234 567⟧
交通银行⟦bank|622262<zw>0110<zw>0123<zw>45678⟧
公积金联名卡⟦bank|6217003860012345678⟧
投诉材料寄到⟦email|wang-wu_01@ynu.edu.cn⟧
邮箱是⟦email|chen88＠１２６.com⟧
微信⟦account|wxid_9k2m1a8b7c⟧加不上
QQ号：⟦account|２３４５６７８９０⟧
威信⟦account|lao-yang-1965⟧
公众号openid⟦account|o6_bmjrPTlm6_2sgVt7hMZOPfL2M⟧
⟦plate|云ＡＫ１２３４⟧天天停在盲道上
黑色轿车⟦plate|贵 C·Y8821⟧
⟦plate|云AD0821A⟧占了无障碍车位
楼上⟦address|11幢二单元1803室⟧装修到半夜
金碧路⟦address|66号⟧的茶室
我家⟦address|9-2-1103⟧没暖气
⟦address|C座2106⟧住了十几个人
龙泉村⟦address|五组12号⟧
南屏步行街⟦address|21号附8号⟧
IP地址⟦ip|39.128.44.7⟧登录失败
网关⟦ip|１９２．１６８．０．１⟧
她⟦birth|1952年2月29日⟧出生
生日⟦birth|75年8月1日⟧，属兔
本人⟦birth|一九六零年十月三日⟧生
坐标：⟦coordinate|102.70331，25.05112⟧
东经⟦coordinate|102°43′⟧处塌方
我叫⟦name|刀美兰⟧，傣族
网格员⟦name|李志远⟧态度好
⟦name|周国华⟧书记经常来
⟦name|小普⟧，你们社区的，很热心
向⟦name|孙丽萍⟧主任反映过
隔壁的⟦name|赵桂芬⟧腿脚不便
我和⟦name|老刘⟧去问过
找⟦name|龚雪⟧办的
案件编号⟦number|530102201900871⟧
快递单⟦number|SF1029384756⟧
充值卡密码⟦number|778 2211 9087 4411⟧
今年修了3条路，花了2000多万
2019年9月30日前交齐材料
人口普查登记8632人，外来1204人
每平米2.6元，面积120平
上午8点到12点、下午2点到5点办公
早7:00-9:00堵车
第七次会议通过了5项决议
电梯用了15年，故障34次
楼高33层，两部电梯
绿化率35%，容积率2.8
K1、K2、88路车
补助标准每人每月600元
退休金3500，药费1200
种了300棵树，装了45盏灯
三个月没人打扫，五层以上没水
群众满意率92.5%
停车位比例1:0.8
幼儿园学费一学期4800元
一楼商铺、二楼办公、三楼以上住人
做核酸要10分钟，排队2小时
老旧小区改造3年计划（2019-2021）
党员56名，志愿者230名
拨打96128、12345
安装了WIFI和LED屏
水费4.2元/吨
"""
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


def written(block: str) -> list[tuple[str, list[tuple[int, int, str]]]]:
    """The sentences of ``ODD`` or ``FRESH``, as ``sentences`` gives them."""
    out = []
    for line in block.strip().replace("<zw>", "\u200b").splitlines():
        text, places, last = "", [], 0
        for match in re.finditer(r"⟦(\w+)\|([^⟧]*)⟧", line):
            text += line[last : match.start()]
            places.append((len(text), len(text) + len(match[2]), match[1]))
            text, last = text + match[2], match.end()
        out.append((text + line[last:], places))
    return out
