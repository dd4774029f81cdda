package followup

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// chinese is what of a Chinese question tells whether and how it leans.
type chinese struct {
	name     string // what a fragment names: 运费 in 那运费呢
	pronoun  []int  // place in the text of a word that stands for something said
	ellipsis bool   // asks without saying of what: 为什么
	joined   bool   // begins with 那, 还有, …
}

func (c chinese) leans() bool { return c.name != "" || c.pronoun != nil || c.ellipsis || c.joined }

var (
	chineseJoining = regexp.MustCompile(`^(?:那么|那|還有|还有|另外|然后|然後|以及|如果是|要是|换成|換成|再问一下|好的|谢谢)+[，, ]*`)
	// particle ends a question that only names something.
	particle = regexp.MustCompile(`^(?:如果|要是|换成|換成|在|对|對|用)?(.{1,12}?)(?:的话)?呢$`)
	// chineseStanding matches words that stand for something said; 这 and 那 only
	// with a measure word or at a verb.
	chineseStanding = regexp.MustCompile(`它们|它們|它|他们|这个|這個|那个|那個|这款|這款|那款|这种|這種|那种|那種|这些|這些|那些|前者|后者|上面说的|刚才说的|这(?:是|要|能|可以|会|需要|怎么|多)|這(?:是|要|能|可以|會|需要|怎麼|多)`)
	chineseAsking   = regexp.MustCompile(`^(?:为什么|為什麼|为啥|怎么办|怎麼辦|怎么弄|怎么做|怎么操作|如何操作|多少钱|多少錢|要多少钱|多久|要多久|需要多久|多长时间|什么时候|什麼時候|哪里|在哪里|在哪|哪个|哪種|哪种|真的吗|真的嗎|确定吗|要钱吗|收费吗|免费吗|可以吗|能退吗|能换吗|贵吗)$`)
	chinesePlace    = regexp.MustCompile(`中国大陆|大陆|内地|香港|澳门|台湾|加拿大|美国|英国|欧洲|欧盟|日本|韩国|新加坡|澳大利亚|澳洲|德国|法国|海外|国外|国内|境外|新疆|西藏|内蒙古|偏远地区|港澳台|江浙沪|` +
		`北京|上海|天津|重庆|广州|深圳|杭州|南京|苏州|成都|武汉|西安|长沙|青岛|厦门|大连|宁波|郑州|` +
		`广东|浙江|江苏|四川|湖北|湖南|河北|河南|山东|山西|陕西|福建|安徽|江西|广西|云南|贵州|海南|辽宁|吉林|黑龙江|甘肃|青海|宁夏`)
	// chineseOf is "A 的 B" with A in front.
	chineseOf = regexp.MustCompile(`^(?:请问|我想问|想问|你们的?|我的?|您的?)?(.{1,14}?)的(.+)$`)
	// chineseAbout is the same without 的: 智能灯多少钱.
	chineseAbout = regexp.MustCompile(`^(?:请问|我想问|想问|你们的?|我的?|您的?)?(.{2,14}?)((?:要|需要|卖|现在)?(?:多少钱|多少元|几块钱|多大|多重|多长|怎么卖|贵不贵|有货吗|好用吗|怎么用|怎么安装|防水吗|支持.{1,8}吗))$`)
)

// aspects are what one may want to know of many things: one of them takes the
// place of another, not of the thing. Read only.
var aspects = strings.Fields("运费 邮费 费用 价格 价钱 时间 时效 期限 流程 步骤 条件 方式 保修 保修期 质保 政策 规则 地址 电话 押金 手续费 税费 关税 发票 积分 优惠 折扣 尺寸 重量 颜色 型号 容量 电池 续航 充电 售后 退款 退货 换货 维修")

func readChinese(plain string) chinese {
	text := strings.TrimRight(plain, "？?。.！! ")
	rest := strings.TrimSpace(chineseJoining.ReplaceAllString(text, ""))
	c := chinese{}
	switch m := particle.FindStringSubmatch(rest); {
	case chineseAsking.MatchString(rest):
		c.ellipsis = true
	case m != nil:
		c.name = m[1]
	default:
		c.pronoun = chineseStanding.FindStringIndex(text)
		c.joined = len(rest) < len(text) && utf8.RuneCountInString(rest) <= 8 && c.pronoun == nil
	}
	return c
}

// chineseAlone makes question stand alone after previous; ok is false where no
// rule fits.
func chineseAlone(question, previous string) (text string, ok bool) {
	c := readChinese(strings.TrimSpace(question))
	end := strings.TrimRight(previous, "？?。.！! ")
	whole := chineseOf.FindStringSubmatchIndex(end)
	if about := chineseAbout.FindStringSubmatchIndex(end); whole == nil && about != nil && !slices.Contains(aspects, end[about[2]:about[3]]) {
		whole = about
	}
	switch {
	case c.name != "" && chinesePlace.MatchString(c.name) && chinesePlace.MatchString(end):
		at := chinesePlace.FindStringIndex(end)
		return end[:at[0]] + chinesePlace.FindString(c.name) + end[at[1]:] + "？", true
	case c.name != "" && slices.Contains(aspects, c.name):
		if whole == nil {
			return "", false
		}
		return end[whole[2]:whole[3]] + "的" + c.name + "是怎样的？", true
	case c.name != "" && whole != nil:
		return end[:whole[2]] + c.name + end[whole[3]:] + "？", true
	case c.pronoun != nil && whole != nil:
		plain := strings.TrimSpace(question)
		at := chineseStanding.FindStringIndex(plain)
		word := plain[at[0]:at[1]]
		kept := strings.TrimPrefix(strings.TrimPrefix(word, "这"), "這")
		if kept == word || slices.Contains([]string{"个", "個", "款", "种", "種", "些"}, kept) {
			kept = ""
		}
		return plain[:at[0]] + end[whole[2]:whole[3]] + kept + plain[at[1]:], true
	}
	return "", false
}
