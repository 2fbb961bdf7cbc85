"""What the made-up articles are made of: words, patterns of sentences, and texts in series."""

# ruff: noqa: E501

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """The words of one language. In `sentences` and `quotes` a name in braces is one of a list."""

    joint: str
    """Between sentences."""
    lists: dict[str, tuple[str, ...]]
    sentences: tuple[str, ...]
    quotes: tuple[str, ...]
    datelines: tuple[str, ...]
    footers: tuple[str, ...]
    series: tuple[str, ...]
    """Texts that are published again and again with other numbers and names."""
    more: str


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CHINESE = Words(
    joint="",
    lists={
        "place": _split("清河县 望江市 南岭镇 白石港 云栖区 长汀市 金沙湾 东山县 柳溪镇 北塘区 青屏市 龙门渡"),
        "firm": _split(
            "远帆重工 星野电子 禾丰种业 蓝湾航运 安澜水务 晨曦医药 东岳钢铁 鼎新材料 云脉通信 海纳化工 恒川汽车 九鼎食品"
        ),
        "person": _split("陈立言 王海宁 李慕青 赵启明 孙若楠 周伯远 吴建川 郑佩兰 冯以宁 许长庚 何思远 梁晚舟"),
        "body": _split("发展改革局 市场监管部门 交通运输局 生态环境厅 住房城乡建设局 工业主管部门 应急管理局 海关 统计局 农业农村局"),
        "thing": _split(
            "新一代储能电站 跨海大桥 污水处理厂 智能仓库 冷链物流园 中小学校舍 高速公路出口 社区医院 太阳能电池 盐碱地水稻 "
            "集装箱码头 地下管廊 数据中心 风力发电机组 老旧小区电梯 轨道交通支线 疫苗生产线 粮食储备库 无人驾驶公交 海水淡化装置"
        ),
        "verb": _split("启动 推迟 验收 扩建 改造 检修 叫停 移交 试运行 公示 招标 评估 投产 重建 搬迁 升级"),
        "view": _split("认为 表示 强调 坦言 回应称 介绍说 指出 透露 解释说 补充道 提醒 预计"),
        "aim": _split(
            "缓解高峰时段的供应压力 降低企业的用电成本 改善沿线居民的出行条件 减少对进口设备的依赖 提高汛期的防洪能力 "
            "带动周边乡镇就业 弥补冬季的运力缺口 保护下游的水源地 压缩审批时间 稳定原材料价格 方便老人就近看病 延长设备的使用年限"
        ),
        "cause": _split(
            "连日强降雨 原材料涨价 设计方案调整 土地手续未齐 订单明显增加 附近居民反映噪音 审计发现漏项 上游来水偏少 "
            "港口吞吐量回升 设备到货延误 财政资金到位 专家组提出异议"
        ),
        "time": _split("上周五 本月中旬 去年年底 今年春节前 三季度以来 一个月前 近日 国庆假期期间 入冬以来 上半年 周三上午 当天傍晚"),
        "way": _split(
            "分批次地 按照合同约定 在第三方监督下 比原计划提前 经过多轮磋商 以公开招标的方式 逐户登记后 依托现有厂房 "
            "结合前期试点 在不停产的情况下 通过银团贷款 与高校合作"
        ),
        "mood": _split("谨慎 乐观 复杂 平稳 紧迫 罕见 扎实 明显 有限 持续"),
        "unit": _split("万元 公里 台 户 吨 人 个百分点 亩 小时 立方米 辆 家企业"),
    },
    sentences=(
        "{time}，{firm}{way}{verb}了位于{place}的{thing}，涉及{number}{unit}。",
        "{body}{view}，{cause}让{thing}的进度变得{mood}，目前还剩{number}{unit}没有完成。",
        "为了{aim}，{place}计划在{number}天内{verb}{thing}。",
        "记者在{place}看到，{thing}旁边堆放着{number}{unit}的材料，工人正{way}作业。",
        "{person}{view}，这样做主要是为了{aim}，而不是外界猜测的{cause}。",
        "由于{cause}，{firm}{time}曾一度{verb}{thing}，损失约{number}{unit}。",
        "公开资料显示，{firm}成立于{year}年，主营业务之一就是{thing}。",
        "{place}居民的反应比较{mood}，有人担心{cause}会影响日常生活。",
        "与{year}年相比，{place}的{thing}增加了{number}{unit}，{body}称这与{cause}有关。",
        "按照{body}的安排，{thing}将{way}{verb}，以便{aim}。",
        "业内人士{view}，如果{cause}持续，{firm}可能还需要{number}{unit}。",
        "{time}举行的听证会上，{person}代表{firm}回答了关于{thing}的{number}个问题。",
        "此前，{firm}与{place}就{thing}签过一份为期{number}年的协议。",
        "值得注意的是，{thing}并不是第一次因为{cause}而被{verb}。",
        "{body}的一份通报提到，{way}{verb}{thing}有助于{aim}。",
        "从{place}到邻近的乡镇，{cause}带来的影响仍然{mood}。",
        "{firm}的财务负责人{view}，{time}的投入达到{number}{unit}，其中一半用于{thing}。",
        "{person}在现场{view}：“先把{thing}{verb}，再谈{aim}。”",
        "截至{time}，已有{number}{unit}参与到{thing}当中，进展{mood}。",
        "对于何时{verb}，{body}没有给出具体日期，只说要{way}推进。",
    ),
    quotes=(
        "“我们不会因为{cause}就放松要求，{place}的每一户都要算清楚，{thing}该{verb}的时候一定{verb}。”{person}{view}。",
        "“大家最关心的还是能不能{aim}，这一点{firm}已经写进了合同，{number}{unit}一个都不会少。”{person}{view}。",
        "“{thing}这件事拖了很久，{cause}只是表面原因，真正要解决的是怎样{aim}。”{person}{view}。",
    ),
    datelines=("本报讯（记者 {person}）", "新闻社{place}{month}月{day}日电 ", "【{place}】", "财经网{month}月{day}日消息，", ""),
    footers=(
        "（责任编辑：{person}）\n本文仅代表作者本人观点，与本网站立场无关，投资者据此操作，风险请自担。",
        "来源：{place}日报\n版权声明：未经书面授权，任何单位和个人不得转载、摘编或以其他方式使用上述作品。",
        "更多精彩内容，请下载客户端，扫码关注官方公众号，第一时间获取权威资讯。",
    ),
    series=(
        "【收盘】{month}月{day}日，三大股指集体{updown}。截至收盘，沪指报{index}点，{updown}{percent}%；深成指报{index}点，{updown}{percent}%；"
        "创业板指报{index}点，{updown}{percent}%。两市成交额{number}亿元，较上一交易日变动{number}亿元。盘面上，个股涨多跌少，{sector}、{sector}板块涨幅居前，"
        "{sector}、{sector}板块跌幅居前。北向资金全天净流入{percent}亿元。以上内容不构成投资建议。",
        "{place}气象台{month}月{day}日17时发布天气预报：今天夜间到明天白天，{sky}，偏{wind}风{digit}到{digit}级，最高气温{number}度，最低气温{digit}度。"
        "后天{sky}，气温变化不大，最高气温{number}度。请市民注意增减衣物，驾车出行注意交通安全，高层建筑用户注意防火。",
        "{firm}{sector}混合型证券投资基金关于暂停大额申购业务的公告。公告送出日期：{year}年{month}月{day}日。基金代码：{code}。为保护基金份额持有人利益，"
        "本基金自{month}月{day}日起暂停单日单个账户累计金额超过{number}万元的申购、转换转入和定期定额投资业务。投资者可登录本公司网站或拨打客户服务电话咨询。"
        "风险提示：基金的过往业绩并不预示其未来表现，投资者应认真阅读基金合同和招募说明书。",
        "{firm}：融资净偿还{percent}万元，融资余额{percent}亿元（{month}-{day}）。融资融券信息显示，{firm}{year}年{month}月{day}日融资净偿还{percent}万元；"
        "融资余额{percent}亿元，较前一日下降{percent}%。融资方面，当日融资买入{percent}万元，融资偿还{percent}万元。融券方面，融券卖出{number}股，融券偿还{number}股，"
        "融券余量{number}股，融券余额{percent}万元。融资融券余额合计{percent}亿元。",
        "人民币汇率中间价公告：中国外汇交易中心受权公布，{year}年{month}月{day}日银行间外汇市场人民币汇率中间价为：1美元对人民币{rate}元，1欧元对人民币{rate}元，"
        "100日元对人民币{rate}元，1港元对人民币{rate}元，1英镑对人民币{rate}元，1澳大利亚元对人民币{rate}元，1加拿大元对人民币{rate}元。",
        "{place}农产品批发市场{month}月{day}日价格快报：大白菜每公斤{percent}元，土豆每公斤{percent}元，西红柿每公斤{percent}元，黄瓜每公斤{percent}元，"
        "鸡蛋每公斤{percent}元，猪肉每公斤{percent}元。总体来看，市场供应充足，价格平稳运行，蔬菜上市量{number}吨，水果上市量{number}吨。",
        "{firm}（{code}）{month}月{day}日主力资金净卖出{percent}万元。截至{year}年{month}月{day}日收盘，{firm}报收于{percent}元，{updown}{percent}%，换手率{percent}%，"
        "成交量{number}万手，成交额{percent}亿元。资金流向数据方面，主力资金净流出{percent}万元，占总成交额{percent}%，游资资金净流入{percent}万元，散户资金净流入{percent}万元。",
    ),
    more="（全文略）",
)  # fmt: skip

ENGLISH = Words(
    joint=" ",
    lists={
        "place": _split("Ashford Millbrook Kerrigan Harlow Eastmere Tolland Brackwater Norvale Quinton Stonehaven Wexley Calder"),
        "firm": (
            "Northwind Shipping", "Calder Steel", "Brightwell Foods", "Arden Biologics", "Halcyon Motors", "Pinecrest Power",
            "Meridian Cargo", "Lowland Water", "Osprey Networks", "Tamarack Mining", "Vantage Rail", "Copperfield Stores",
        ),
        "person": (
            "Helen Marsh", "Daniel Okafor", "Ruth Castellan", "Peter Lindqvist", "Amara Diallo", "George Whitlock", "Nina Varga",
            "Samuel Pryce", "Joan Tembo", "Victor Hale", "Leila Haddad", "Owen Brandt",
        ),
        "body": (
            "the port authority", "the county council", "the environment agency", "the transport ministry", "the market regulator",
            "the housing board", "the energy commission", "the audit office", "the fire service", "the public health department",
        ),
        "thing": (
            "a battery storage plant", "the harbour bridge", "a sewage works", "an automated warehouse", "two primary schools",
            "the northern bypass", "a community clinic", "the container terminal", "a wind farm off the coast", "the grain silo",
            "a desalination unit", "the tram extension", "a vaccine line", "the old town lifts", "a driverless bus route",
            "a copper smelter", "the river barrier", "a data centre", "the cold store", "a recycling depot",
        ),
        "verb": _split("postpone inspect enlarge refurbish suspend relocate approve rebuild auction lease dismantle upgrade finance reopen"),
        "view": _split("said argued insisted warned conceded explained added noted suggested replied predicted stressed"),
        "aim": (
            "ease the pressure on evening supply", "cut the power bills of small firms", "shorten the commute of residents",
            "rely less on imported machinery", "keep floods away from low streets", "bring jobs to nearby villages",
            "close the winter gap in freight", "protect the springs downstream", "speed up permits", "steady the price of materials",
            "spare elderly patients a long drive", "make the equipment last longer",
        ),
        "cause": (
            "days of heavy rain", "dearer raw materials", "a change in the drawings", "missing land papers", "a rush of orders",
            "complaints about noise", "gaps found by auditors", "a shallow river", "busier docks", "late deliveries of parts",
            "a fresh round of funding", "doubts among the experts",
        ),
        "time": (
            "last Friday", "in the middle of the month", "late last year", "before the holidays", "since the third quarter",
            "a month ago", "recently", "during the harvest", "since winter began", "in the first half", "on Wednesday morning",
            "later that evening",
        ),
        "way": (
            "in several stages", "as the contract requires", "under outside supervision", "ahead of schedule",
            "after long negotiations", "by open tender", "door by door", "inside existing halls", "along the lines of a trial",
            "without stopping production", "with a syndicated loan", "together with a university",
        ),
        "mood": _split("cautious hopeful mixed calm tense unusual solid visible limited lasting"),
        "unit": _split("tonnes miles households workers acres hours vehicles companies pounds points turbines containers"),
    },
    sentences=(
        "{firm} decided {time} to {verb} {thing} in {place}, which concerns {number} {unit}.",
        "According to {body}, {cause} left the outlook {mood}, with {number} {unit} still to be settled.",
        "To {aim}, {place} wants to {verb} {thing} within {number} days.",
        "Visitors to {place} see {number} {unit} of material beside {thing}, where crews work {way}.",
        "{person} {view} that the point was to {aim}, and not {cause} as many had guessed.",
        "Because of {cause}, {firm} had to {verb} {thing} {time}, at a loss of {number} {unit}.",
        "Founded in {year}, {firm} earns much of its money with {thing}.",
        "People in {place} are {mood}; some fear that {cause} will disturb their daily life.",
        "Compared with {year}, {place} counts {number} more {unit}, and {body} blames {cause}.",
        "Under a plan of {body}, {thing} will change hands {way}, so as to {aim}.",
        "Analysts {view} that {firm} might need another {number} {unit} if {cause} goes on.",
        "At a hearing {time}, {person} answered {number} questions about {thing} for {firm}.",
        "Earlier, {firm} and {place} had signed a deal of {number} years over {thing}.",
        "It is not the first time that {cause} made somebody {verb} {thing}.",
        "A notice from {body} says that to {verb} {thing} {way} helps to {aim}.",
        "From {place} to the next valley the effects of {cause} remain {mood}.",
        "The finance chief of {firm} {view} that {number} {unit} were spent {time}, half of it on {thing}.",
        "\"First we {verb} {thing}, then we talk about how to {aim},\" {person} {view} on site.",
        "So far {number} {unit} have joined, and progress is {mood}.",
        "Asked for a date, {body} gave none and promised to go on {way}.",
    ),
    quotes=(
        "\"We will not lower our standards because of {cause}; every home in {place} counts, and we {verb} {thing} when it is due,\" {person} {view}.",
        "\"What people want to know is whether we can {aim}; {firm} has put that into the contract, all {number} {unit} of it,\" {person} {view}.",
        "\"This has dragged on for years, {cause} is only the surface, and the real task is to {aim},\" {person} {view}.",
    ),
    datelines=("{place} (Newswire) - ", "By {person} - ", "{place}, {month}/{day} -- ", "", "UPDATE: "),
    footers=(
        "Sign up to our newsletter to get the most important stories of the day delivered to your inbox every morning.",
        "Copyright {year} {place} Courier. All rights reserved. This material may not be published, broadcast, rewritten or redistributed.",
        "Reporting by {person}; editing by {person}. Our standards are those of the trust principles of this agency.",
    ),
    series=(
        "Market close, {month}/{day}: stocks ended {updown} on the day. The main index finished at {index} points, {updown} {percent} percent, while the broader "
        "index closed at {index}, {updown} {percent} percent. Volume on the exchanges was {number} million shares, compared with an average of {number} million. "
        "Shares of {firm} led the {sector} sector. This report was generated automatically and is no investment advice.",
        "Weather for {place}: {sky} today with highs near {number} degrees and lows around {digit}. Winds from the {wind} at {digit} to {number} miles an hour. "
        "Tomorrow {sky}, high of {number}. The chance of rain is {number} percent. Drivers are asked to take care in the morning, and to check tyres before long journeys.",
        "{firm} announces its dividend for the quarter. The board of directors of {firm} declared a cash dividend of {percent} dollars a share, payable on {month}/{day}/{year} "
        "to shareholders of record at the close of business on {month}/{day}/{year}. Forward-looking statements in this release are subject to risks and uncertainties "
        "that could cause actual results to differ materially.",
        "{firm} (ticker {code}) saw unusually large options trading on {month}/{day}. Traders bought {number} call options on the stock, an increase of {percent}% over the "
        "average volume of {number} options. The shares opened at {percent}. The company has a market capitalisation of {percent} billion, a price-to-earnings ratio of "
        "{percent} and a beta of {percent}. Its fifty-day moving average is {percent}.",
        "Petrol prices in {place} moved over the past week. The average price of a gallon of regular now stands at {percent}, according to a survey of {number} stations. "
        "Prices are {percent} cents a gallon {updown} from a month ago and stand {percent} cents {updown} from a year ago. The cheapest station was priced at {percent} while "
        "the most expensive was {percent}.",
        "Police log for {place}, {month}/{day}: officers responded to {number} calls, made {digit} arrests and issued {number} traffic citations. {digit} accidents without injury "
        "were reported. Residents who have information about any of these incidents are asked to call the department's tip line. All persons are presumed innocent until proven guilty.",
        "{person} sold {number} shares of {firm} in a transaction on {month}/{day}. The stock was sold at an average price of {percent}, for a total of {index} dollars. Following "
        "the sale, the insider owns {index} shares of the company. The transaction was disclosed in a filing with the commission, which is available at this hyperlink.",
    ),
    more="... [continued]",
)  # fmt: skip

SHARED = {
    "zh": {
        "sky": _split("晴 多云 阴有小雨 小到中雨 晴间多云 雨夹雪"),
        "wind": _split("东 南 西 北"),
        "sector": _split("半导体 白酒 光伏 煤炭 银行 医药 军工 地产"),
        "updown": _split("上涨 下跌"),
    },
    "en": {
        "sky": _split("sunny cloudy drizzly overcast clear showery"),
        "wind": _split("north east south west"),
        "sector": _split("energy retail banking mining software health"),
        "updown": _split("higher lower"),
    },
}
