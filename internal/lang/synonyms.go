package lang

import (
	"slices"
	"strings"
)

// Synonyms returns the other terms that customers and help pages use for the
// same thing as a term of Terms; nil for most. The result must not be changed.
func Synonyms(term string) []string { return synonyms[term] }

// synonyms is read only. Each line is one group; a word that means several
// things (charge, store, purchase) is in none.
var synonyms = groups(`
	turn switch enable activate
	parcel package shipment
	delivery deliver
	broken faulty defective damaged
	phone telephone mobile smartphone
	email mail
	laptop notebook
	headphones headset
	delete remove erase
	repair fix
	colour color
	valid validity expire expiry lifetime
	instalment installment
	cancel cancellation
	refund reimburse reimbursement
	maximum max
	minimum min
	photo picture image
	annual year
	item product
	person people
	employee staff
	buy purchase
	money cash fund
	price cost rate
	fee charge
	wrong incorrect mistaken
	fail failed unsuccessful
	declined rejected refused denied
	lost missing
	stolen robbed theft
	block locked freeze frozen suspend
	fraud scam cheat cheater
	fake counterfeit
	authentic genuine original
	discount offer coupon promo promotion voucher
	agent representative operator human
	talk speak chat
	contact reach
	size dimension measurement
	quick quickly fast
	arrive arrived come came reach
	receive received
	deposit credited
	wait waiting pending
	country abroad overseas international
	identity verify verification
	passcode password
	bonus reward
	problem issue trouble
	late delay delayed overdue
	warranty guarantee
	restart reboot
	postage shipping
	swap exchange replace
	win winner winning
	login signin
	weird strange odd
	begin start
	end finish finished
	choose pick select
	allow permitted
	支付 付款
	账号 账户 帐号 帐户
	运费 邮费 递费
	包裹 快递
	发到 寄到 送到 寄往 发往 送往
	延误 延迟 晚到
	赔偿 补偿 赔付
	升级 更新
	耗电 掉电 费电
	扣款 扣费 扣钱
	人工 真人
	门店 店铺
	换货 调换
	顾客 客户 用户
	卖家 商家
	邮箱 邮件
	注销 删除
	维修 修理
	退款 退钱
	坏了 故障 损坏
	过期 失效 到期 有效 作废
	修改 更改 变更
	包邮 免邮
	取消 撤销
	电话 热线
	优惠 折扣
	登录 登陆
	商品 产品 货品
	价格 价钱 费用 售价
	上班 下班 营业
	资料 材料
	条件 要求
`)

func groups(table string) map[string][]string {
	all := make(map[string][]string)
	for line := range strings.Lines(table) {
		var group []string
		for _, term := range Terms(line) {
			if !slices.Contains(group, term) {
				group = append(group, term)
			}
		}
		for _, term := range group {
			for _, other := range group {
				if other != term {
					all[term] = append(all[term], other)
				}
			}
		}
	}
	return all
}
