package match

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// canonical is text in lower case without punctuation, with one word for each
// group of synonyms and without words of politeness.
func canonical(text string) string {
	text = lang.Normalise(text)
	if lang.Of(text) == desk.Chinese {
		return measured.ReplaceAllString(chineseSynonyms.Replace(text), " $1")
	}
	words := strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("'’-.$€£¥%", r)
	})
	for i, w := range words {
		words[i] = strings.Trim(strings.ReplaceAll(w, "’", "'"), "'-.")
	}
	// Two spaces between words, so that phrases next to each other both match.
	return oneSpace(englishSynonyms.Replace("  " + strings.Join(words, "  ") + "  "))
}

// measured is a Chinese number with what it counts. Numbers are compared on
// their own, so that 三十天 is 30天.
var measured = regexp.MustCompile(`[零〇一二两兩三四五六七八九十百千万萬]+([天日个個年月周小分元块塊次件人号號岁歲公米点點折级級代期])`)

func oneSpace(s string) string { return strings.Join(strings.Fields(s), " ") }

// englishSynonyms maps words and phrases to the first of their group. Read
// only.
var englishSynonyms = synonyms(func(w string) string { return " " + strings.ReplaceAll(w, " ", "  ") + " " }, `
	refund: money back, get my money back, reimbursement, reimburse
	cancel: call off
	login: log in, sign in, log on, sign on, signin, logon
	logout: log out, sign out, log off, signout
	register: sign up, signup, create an account, open an account
	phone: mobile, mobile phone, cell phone, cellphone, cell, telephone, smartphone
	email: e-mail, mail address, email address, e-mail address
	change: update, modify, edit, amend, alter
	buy: purchase
	item: product, article, goods
	items: products, articles
	parcel: package, shipment
	delivery: shipping
	price: cost, costs, prices
	support: customer service, customer support, support team, customer care
	picture: photo, image
	voucher: coupon, promo code, discount code, coupon code
	payment method: payment option, way to pay, method of payment
	payment methods: payment options, ways to pay, methods of payment, forms of payment, payment types
	guarantee: warranty
	broken: damaged, defective, faulty
	forgot: forgotten, forget
	cannot: can't, can not, couldn't, unable to, am not able to
	:  please, kindly, hi, hello, hey, thanks, thank you, just, actually, simply, exactly, currently, right now, at the moment`)

// chineseSynonyms does the same for Chinese. Read only.
var chineseSynonyms = synonyms(func(w string) string { return w }, `
	退款: 退钱, 把钱退, 退還款項
	怎么: 怎样, 如何, 咋样, 咋, 怎麼, 怎樣
	什么: 啥, 什麼
	物流: 快递, 快遞
	运费: 邮费, 快递费, 邮寄费, 運費
	账号: 账户, 帐号, 帐户, 賬號, 帳號, 帳戶
	付款: 支付, 结账, 结算
	购买: 选购, 购物, 下单购买
	商品: 东西, 产品, 货品, 宝贝
	修改: 更改, 变更, 更换, 更新
	查询: 查看, 查一下, 查下
	登录: 登陆, 登入
	手机号: 手机号码, 电话号码
	邮箱: 电子邮箱, 邮件地址, 电子邮件地址
	客服: 人工客服, 客户服务
	多久: 多长时间, 多長時間, 多少天, 要多久, 需要多久, 要多长时间, 需要多长时间, 要几天, 几天
	哪里: 哪儿, 哪裡, 什么地方, 何处
	什么时候: 何时, 啥时候, 什么时间, 几时
	为什么: 为何, 为啥, 為什麼
	能不能: 能不能, 可不可以, 能否, 可否, 是否可以
	功能: 功能
	智能: 智能
	性能: 性能
	可能: 可能
	只能: 只能
	能量: 能量
	: 请问一下, 请问, 麻烦问一下, 麻烦, 帮我, 帮忙, 我想问, 想问一下, 想问, 想知道, 我想, 我要, 我需要, 想要, 我的, 你们的, 您的, 我们, 你们, 我, 您, 的, 了, 谢谢, 你好, 您好, 一下, 现在, 目前, 请, 还能, 还可以, 能够, 可以, 能`)

// synonyms reads lines of "word: synonym, synonym". Longer ones are replaced
// first; a line that begins with a colon lists words to leave out.
func synonyms(form func(string) string, table string) *strings.Replacer {
	word := map[string]string{}
	for line := range strings.SplitSeq(table, "\n") {
		to, from, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		for synonym := range strings.SplitSeq(from, ",") {
			word[strings.TrimSpace(synonym)] = strings.TrimSpace(to)
		}
	}
	longest := slices.SortedFunc(maps.Keys(word), func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	var pairs []string
	for _, w := range longest {
		pairs = append(pairs, form(w), form(word[w]))
	}
	return strings.NewReplacer(pairs...)
}

// light lists the terms that carry little. Read only.
var light = termSet(`want need like help know tell get go use try possible able way make take happen question ask
	wonder still ever understand explain see say think look find keep give let put seem work account customer sir something anything thing long much many often soon
	店铺 店里 你家 咨询 问下 问问 知道 告诉 需要 情况 问题 时候 可以`)

func termSet(words string) map[string]struct{} {
	set := map[string]struct{}{}
	for _, t := range lang.Terms(words) {
		set[t] = struct{}{}
	}
	return set
}

// awaited are the events of which "when" and "how long" ask the same. Read
// only.
var awaited = strings.Fields(`arrive arrives arrived 到账 到帐 到货 送达 收到 收货 发货 寄到 送到 生效 恢复`)

// numberWords are compared as numbers. Read only.
var numberWords = termSet(`one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
	twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million`)

// englishContrasts are words of which another excludes: opposites, units,
// and the variants of a thing. One line holds what counts as the same word.
// Read only.
var englishContrasts = groups(`
	cancel, cancellation
	activate; deactivate; enable; disable; open, reopen; close; lock; unlock; block; unblock; freeze; start; stop; pause; resume
	login; logout; register; subscribe; unsubscribe; create; delete; add; remove; install; uninstall; upload; download
	before; after; until; since; first; last; next; previous; early, earlier; late, later, delayed; old; new; current
	increase, raise; decrease, lower, reduce; maximum, max; minimum, min; more; less; upgrade; downgrade; up; down; above; below
	send, sent; receive, received; buy, bought; sell, sold; return, returned; exchange; refund; replace, replacement
	deposit; withdraw, withdrawal; borrow; lend; credit; debit; prepaid; pay; paid; free; top; transfer; import; export
	accept, accepted; reject, decline, declined; approve; pass; fail, failed; success; include; exclude; with; without; connect; disconnect; link; unlink
	domestic; international, abroad, overseas; online; offline; store; personal; business; company
	daily; weekly; monthly; yearly, annual, annually; day, days; week, weeks; month, months; year, years; hour, hours; minute, minutes
	kg, kilogram, kilograms; lb, lbs, pound, pounds; cm; inch, inches; usd, dollar, dollars; eur, euro, euros; gbp; yuan, rmb, cny
	android; iphone, ios; windows; mac, macos; visa; mastercard; amex; paypal; wechat; alipay; wifi; bluetooth; email; sms; chat
	shipped; delivered; missing, lost; stolen; broken; wrong; pending; completed; expired; name; address; password; username; number; left; right; front; back; virtual; physical; man, men, male; woman, women, female; black; white; north; south; east; west; cash; card; check, cheque; source; best; worst; cheapest; fastest`)

// chineseContrasts does the same for Chinese; all are looked for anywhere.
// Read only.
var chineseContrasts = groups(`
	取消, 撤销; 开通, 启用, 激活, 开启, 打开; 关闭, 停用, 禁用, 注销; 登录; 退出; 注册; 绑定; 解绑; 订阅; 退订; 创建, 新建; 删除, 移除; 增加, 添加; 减少
	之前, 以前; 之后, 以后; 最早; 最晚; 最高, 最多, 最大; 最低, 最少, 最小; 第一; 最后; 新; 旧; 升级; 降级; 提前; 延迟, 延期, 推迟
	充值; 提现, 取现; 存; 取; 借; 还款; 转账; 收款; 买, 购买; 卖, 出售; 退货; 换货; 退款; 维修; 补发; 发货; 收货; 寄; 上传; 下载; 安装; 卸载
	国内; 国外, 海外, 境外, 国际; 线上, 网上; 线下, 门店, 实体店; 个人; 企业, 公司; 会员; 免费; 收费; 付款; 成功; 失败; 包含, 包括; 不含
	小时; 分钟; 天; 周, 星期; 月; 年; 公斤; 斤; 厘米; 英寸; 美元; 人民币; 欧元; 港币
	安卓; 苹果, iphone, ios; 微信; 支付宝; 银行卡; 信用卡; 借记卡; 邮箱; 手机号; 短信; 密码; 用户名; 地址; 姓名, 名字; 电子; 纸质; 专票, 专用; 普票, 普通
	丢失; 损坏; 过期; 左; 右; 上; 下; 东; 西; 南; 北; 前; 后; 内; 外; 男; 女; 父; 母; 大; 小; 长; 短; 高; 低; 多; 少; 始; 终; 起; 止; 出; 入; 进; 攻; 守; 胜; 负`)

// regions are places, each line's forms being one. Read only.
var regions = groups(`
	usa, united states, u.s., america, 美国, 美國; uk, u.k., united kingdom, britain, england, 英国, 英國; eu, europe, 欧洲, 歐洲, 欧盟
	canada, 加拿大; australia, 澳大利亚, 澳洲; new zealand, 新西兰; china, mainland, 中国, 中國, 大陆, 大陸, 内地; hong kong, hongkong, 香港
	taiwan, 台湾, 台灣, 臺灣; macau, macao, 澳门, 澳門; japan, 日本; korea, 韩国, 韓國; germany, 德国, 德國; france, 法国, 法國; italy, 意大利; spain, 西班牙
	india, 印度; singapore, 新加坡; malaysia, 马来西亚; thailand, 泰国; russia, 俄罗斯; brazil, 巴西; mexico, 墨西哥; ireland, 爱尔兰; scotland, 苏格兰; pakistan, 巴基斯坦
	beijing, 北京; shanghai, 上海; guangzhou, 广州; shenzhen, 深圳; hangzhou, 杭州; chengdu, 成都; xinjiang, 新疆; tibet, 西藏; london, 伦敦; new york, 纽约; paris, 巴黎; tokyo, 东京`)

// form is one way of writing the word that stands for a group.
type form struct{ text, group string }

// groups reads words separated by semicolons, with their other forms after
// commas. Han words are found anywhere, others as whole words.
func groups(table string) []form {
	var all []form
	for group := range strings.FieldsFuncSeq(table, func(r rune) bool { return r == ';' || r == '\n' }) {
		forms := strings.Split(group, ",")
		for _, f := range forms {
			if f = strings.TrimSpace(f); f == "" {
				continue
			}
			if !isHan(f) {
				f = " " + f + " "
			}
			all = append(all, form{text: f, group: strings.TrimSpace(forms[0])})
		}
	}
	return all
}

// found lists which groups text holds a word of, sorted.
func found(text string, groups []form) []string {
	var in []string
	for _, f := range groups {
		if strings.Contains(text, f.text) {
			in = append(in, f.group)
		}
	}
	slices.Sort(in)
	return slices.Compact(in)
}

func isHan(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// regionsIn lists the places that a question names. US is one only in capital
// letters.
func regionsIn(text, plain string) []string {
	for _, us := range []string{"US", "U.S", "U.S.A"} {
		if slices.Contains(strings.FieldsFunc(text, func(r rune) bool { return r != '.' && !unicode.IsLetter(r) }), us) {
			plain += " usa "
		}
	}
	return found(plain, regions)
}
