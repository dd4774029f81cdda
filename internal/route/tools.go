package route

import (
	"kefu/internal/desk"
	"kefu/internal/lang"
	"kefu/internal/pattern"
)

// Reasons for desk.Agent.
const (
	ReasonAction   = "action"    // something is to be done for the customer
	ReasonLiveData = "live_data" // about an order, a parcel, an account of the customer's own
)

// WantsTools decides whether a question needs an action or live data, which
// stand in no document: "where is my order 10023?", 帮我取消订单. How something
// is done in general ("how do I cancel an order?") needs none, unless a number
// says whose case it is. It takes some 10 µs.
func WantsTools(question string) (desk.Route, bool) {
	text := lang.Normalise(question)
	s := toolsEnglish
	if lang.Of(question) == desk.Chinese {
		s = toolsChinese
	}
	numbered, own := s.numbered.MatchString(text), s.own.MatchString(text)
	if !numbered && (!own && !s.pointed.MatchString(text) || s.general.MatchString(text) && !s.asked.MatchString(text)) {
		return desk.Route{}, false
	}
	r := desk.Route{Kind: desk.Agent, Reason: ReasonLiveData, Confidence: 0.85}
	switch {
	case s.command.MatchString(text) && (!s.general.MatchString(text) || s.asked.MatchString(text)):
		r.Reason, r.Action = ReasonAction, true
	case s.state.MatchString(text):
	case numbered:
		r.Confidence = 0.7
	default:
		return desk.Route{}, false
	}
	if numbered && r.Confidence > 0.8 {
		r.Confidence = 0.95
	}
	return r, true
}

// toolSigns are what tells in one language that a question is about one case.
type toolSigns struct {
	numbered *pattern.Regexp // the case has a number
	own      *pattern.Regexp // it is the customer's own
	pointed  *pattern.Regexp // it is pointed at, or can only be the customer's own
	state    *pattern.Regexp // how it stands is asked
	command  *pattern.Regexp // it is to be changed
	general  *pattern.Regexp // how such things are done in general is asked
	asked    *pattern.Regexp // and yet it is us who are to do it
}

// thingsEnglish and thingsChinese are what customers have of their own.
const (
	thingsEnglish = `(?:orders?|parcels?|packages?|deliver(?:y|ies)|shipments?|tracking|tickets?|invoices?|bookings?|reservations?|appointments?|subscriptions?|memberships?|accounts?|refunds?|returns?|payments?|balance|points|plan|claims?|repairs?|purchases?)`
	thingsChinese = `(?:订单|訂單|单子|包裹|快递|快遞|快件|运单|物流|退款|退货|退貨|换货|售后|工单|账户|帐户|帳戶|账号|余额|餘額|积分|積分|会员|會員|订阅|訂閱|发票|發票|预约|預約|预订|套餐|维修)`
	verbsChinese  = `(?:取消|退款|退货|退貨|退掉|退了|修改|更改|改一下|改成|改到|更换|换货|注销|停止|暂停|续费|升级|降级|重置|删除|退订|催)`
)

var (
	toolsEnglish = toolSigns{
		numbered: pattern.MustCompile(`\b` + thingsEnglish + `\b[^.?!]{0,24}?(?:#\s*\d{3,}|\b[a-z]{0,4}-?\d{5,})\b|\b[a-z]{0,4}-?\d{5,}\b[^.?!]{0,24}\b` + thingsEnglish + `\b`),
		own:      pattern.MustCompile(`\b(?:my|our) (?:\w+ ){0,2}?` + thingsEnglish + `\b|\b(?:did|do|have) you (?:\w+ ){0,2}?my\b|\bi (?:ordered|bought|booked|returned|sent back)\b`),
		pointed:  pattern.MustCompile(`\b(?:cancel|return|refund|reschedule|resend|track|change|stop) (?:it|this|that|them)\b|\bthis (?:order|parcel|subscription|booking)\b`),
		state:    pattern.MustCompile(`\b(?:where(?:'s| is| are)|status|track|check (?:on|the|my|our)|look up|any (?:news|update)|still (?:waiting|not|hasn't)|not (?:arrived|shipped|here)|how (?:many|much)\b.*\b(?:left|have|owe|balance)|what(?:'s| is) (?:my|our)|when (?:will|is|does|did|was)|show me|find my)\b|\b(?:has|have|did|is|was|are|were)\b.*\b(?:ship|shipped|sent|arrived?|arriving|delivered|dispatched|processed|refunded|paid|cancell?ed|completed?|received?|approved|ready|late|delayed|on (?:its|the) way|active|expired?)\b`),
		command:  pattern.MustCompile(`(?:^|[.,;:!?] ?)(?:hi |hello |hey |please |kindly |ok |so |and |then |just |(?:can|could|would|will) you |i (?:want|need|wish|would like|'d like) (?:you )?to |i'd like (?:you )?to |i want you to |help me (?:to )?|go ahead and |let's )*(?:cancel|change|update|return|refund|stop|pause|resume|renew|upgrade|downgrade|reschedule|postpone|book|close|delete|remove|redirect|resend|reorder|activate|deactivate|unsubscribe)\b`),
		general:  pattern.MustCompile(`\bhow (?:do|can|to|would|should|could|long|does)\b|\b(?:can|could|may|should|must) (?:i|we)\b|\bis it possible\b|\bwhat happens\b|\bwhat if\b|\bif i\b|\bpolic(?:y|ies)\b|\b(?:an|any) (?:order|return|refund)\b`),
		asked:    pattern.MustCompile(`\b(?:can|could|would|will) you\b|\bplease\b`),
	}
	toolsChinese = toolSigns{
		numbered: pattern.MustCompile(thingsChinese + `[^。?!]{0,8}?[a-z]{0,4}-?\d{5,}|[a-z]{0,4}-?\d{5,}[^。?!]{0,6}` + thingsChinese + `|[单單]号?[^。?!]{0,3}[a-z]{0,4}\d{5,}`),
		own:      pattern.MustCompile(`(?:我|我们|我們|俺)[^,，。?!]{0,10}` + thingsChinese + `|我[^,，。?!]{0,6}(?:买|買|订|下|拍)的`),
		pointed:  pattern.MustCompile(`(?:帮我|帮忙|幫我|替我|给我|麻烦|查一下|查查|查下|查询|查詢|把)[^,，。?!]{0,6}(?:` + thingsChinese + `|取消|退订|退掉|注销)|(?:这个|那个|这|该)` + thingsChinese),
		state:    pattern.MustCompile(`到哪|在哪|哪里|哪裡|哪儿|哪兒|查|看一下|看看|状态|狀態|进度|進度|到[账帐賬]|[到发發退签寄送付]了(?:吗|嗎|没|沒)|[到发發货貨账]没|什么时候|什麼時候|何时|几时|还没|還沒|怎么还|剩多少|还剩|还有多少|有多少|是多少`),
		command:  pattern.MustCompile(`(?:帮我|帮忙|幫我|替我|给我|请|請|麻烦|我要|我想|我需要|申请)[^,，。?!怎如的]{0,12}?` + verbsChinese + `|把[^,，。?!怎如]{1,16}` + verbsChinese + `|(?:^|[,，。])(?:取消|退订|注销|修改|更改|删除|停止|暂停)`),
		general:  pattern.MustCompile(`怎么[^还没不]|怎麼[^還沒不]|如何|怎样|能不能|可不可以|可以|能.{0,12}吗|是否|政策|规定|规则|流程|多久|几天|多少天|如果|手续费|条件|要多少`),
		asked:    pattern.MustCompile(`帮我|帮忙|幫我|替我|麻烦|请`),
	}
)
