"""Words that the most used passwords are made of, in English and as pinyin: folded, letters alone. Values only.

They are what published rankings of leaked passwords have at their head, year after year; a password that is one of
them, or several in a row, with digits and signs around, is tried within the first minutes. English words that honest
pass phrases are made of stay out unless they lead those rankings.
"""

from typing import Final

_TEXT: Final = """
    password passwort passw passwd pass pwd mypassword newpassword secret secrets changeme letmein welcome default
    login logon admin administrator adm root superuser super user username guest test tester testing demo temp qwerty
    qwertz azerty qwe qwer asd asdf zxc zxcv qaz wsx edc abc abcd abcde abcdef aaa xxx iloveyou iloveu loveyou loveme
    iloveme lovely mylove forever love lover monkey dragon football baseball basketball soccer hockey master shadow
    sunshine princess superman batman spiderman trustno starwars pokemon naruto michael jordan jessica jennifer
    michelle daniel charlie andrew thomas robert ashley amanda nicole hunter killer ranger buster tigger pepper ginger
    cookie summer winter flower freedom whatever computer internet samsung google facebook twitter liverpool arsenal
    chelsea barcelona ferrari mustang yamaha harley mercedes corvette porsche maverick phoenix diamond silver golden
    orange banana purple chocolate butterfly cheese coffee matrix ninja gandalf hello helloworld world goodluck
    success lucky happy angel angels blessed jesus god heaven family friends friend baby babygirl babyboy daddy mommy
    money cash sexy fuck fuckyou fuckoff asshole bitch pussy dick suck biteme nothing nopass none access private
    public system server manager office company service support security public database oracle mysql postgres windows
    linux ubuntu raspberry cisco huawei xiaomi alibaba tencent taobao alipay wechat weixin weibo baidu qqmima woaini
    woaiwojia woaima woaibaba woaimama woaiziji woaimeinv wobuaini nizhidao nihao nihaoma nishishei niubi wodemima
    mima wangji wangluo diannao shouji dianhua zhongguo zhonghua beijing shanghai guangzhou shenzhen chengdu hangzhou
    nanjing tianjin chongqing wuhan xian suzhou qingdao dalian xiamen hongkong taiwan caonima cnm sb tmd wocao laopo
    laogong baobei baobao qinai qinaide tiankong taiyang yueliang xingxing haha hehe hahaha heihei xixi meinv shuaige
    gege jiejie didi meimei baba mama jiating pengyou tongxue laoshi xuesheng xiaoming xiaohong xiaoqiang xiaolong
    xiaogang xiaojie xiaoxiao dada damei huahua longlong tiantian yuanyuan wang wangwei wanglei wangyan wangfang
    wangjing wangyang wangqiang wangjun wangtao wangpeng wanghao wangyu li liwei liqiang lijun lina lijie lihua liyan
    lijing lilei lixin liming liyang liuyang liuwei liujun liuyan zhang zhangwei zhangjie zhangyan zhangli zhangjing
    zhanglei zhangmin zhangyang zhangtao zhangjun zhanghao chen chenwei chenjing chenjie chenyan yang yangyang yangfan
    yangjie zhao zhaolei zhaojun huang huangwei zhou zhoujie zhoujielun wu wujun xu xuwei sun sunyang ma mayun malong
    zhu hu guo guojing lin linjie he gao liang zheng facai gongxi gongxifacai fuqi shunli pingan jiankang kuaile
    xingfu wanshiruyi yifanfengshun dafa dashi guanliyuan caozuoyuan shouyin shouyinyuan kuaiji caiwu bangong
    bangongshi gongsi yonghu ceshi moren qiantai zhihuiyuan putong zhuguan jingli laoban
"""
WORDS: Final = frozenset(_TEXT.split())
