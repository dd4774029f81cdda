package lang

import "strings"

// IsStopWord reports whether a lower-case English word only holds a sentence
// together: articles, pronouns, auxiliaries, prepositions, question words; also
// as customers type them.
func IsStopWord(word string) bool {
	_, ok := stopWords[word]
	return ok
}

// stopWords is read only.
var stopWords = set(`a about after again all also am an and any are aren't as at be because been
	before being but by can can't cannot could couldn't did didn't do does doesn't doing don't
	down during each for from further get got had hadn't has hasn't have haven't having he her here
	hers him his how how's however i i'd i'll i'm i've if in into is isn't it it's its itself just let
	let's me more most my myself of off on once only or other our ours out over own please
	same shall she should shouldn't so some such tell than that that's the their theirs them then
	there there's these they they're this those through to too under until up us very was wasn't we
	we're we've were weren't what what's when where where's which while who who's whom whose why will with
	won't would wouldn't you you'd you'll you're you've your yours hi hello hey thanks thank
	guys folks pls plz kindly okay ok wanna gonna gotta btw`)

// IsGrammar reports whether a term of an English text is an article, an auxiliary
// verb or a conjunction: of stop words the ones that do not even tell what kind
// of question it is, as "how long" and "where to" do.
func IsGrammar(term string) bool {
	_, ok := grammar[term]
	return ok
}

// grammar is read only.
var grammar = stemmedSet(`a an the and or but am is are was were be been being do does did
	can could shall should will would`)

// functionWords are Chinese words that ask, count or connect. Longer ones come
// first, so that the longest match is cut; of single characters the words in
// which they stand otherwise (the first lines) are kept: 会 is cut from
// 积分会过期吗, of which else half would be 分会 and 会过. Read only.
var functionWords = strings.NewReplacer(append(kept(`了解 目的 其他 其它 他人 是非 那么
	会员 会议 会计 会话 会场 会见 会谈 会展 会面 会长 会费 会籍 会战 会诊 会合 社会 机会 协会 聚会 晚会 大会 议会
	委员会 基金会 约会 体会 学会 教会 工会 国会 误会 理事会 运动会 奥运会 宴会 商会 集会 董事会 博览会 音乐会 演唱会
	联合会 研究会 世博会 年会 峰会 领会 公会 省会 都会 全会 常委会 组委会
	能力 能源 能量 功能 智能 性能 技能 节能 职能 本能 潜能 核能 太阳能 万能 热能 电能 动能 储能 效能 产能 不能
	要求 重要 主要 必要 要素 要点 要件 概要 摘要 纪要 首要 次要 要塞 要害
	还款 归还 退还 偿还 返还 还原 还清 交还 送还 生还`), spaced(`
	为什么 是不是 能不能 可不可以 有没有 会不会 要不要 怎么样 怎么办 什么时候
	多长时间 多少钱 是什么 有什么 有哪些 哪一个 告诉我 我想知道 我想问
	哪一年 哪一天 哪一种 哪一位 哪一人 哪年 哪天 哪种 哪位 哪里 哪儿
	何年 何日 何时 何处 何地 何人 何种 何者 为何 的时候
	几天 几年 几次 几点 几小时 多长 之内 以内
	什么 怎么 怎样 如何 哪些 哪个 多少 多久 几个 请问 你们 我们 他们
	可以 能否 是否 可否 应该 需要 想要 因为 所以 如果 但是 而且 或者 还是 以及 并且 这个 那个
	一下 一个 关于 对于 的话 您好 你好 谢谢
	才能 才会 能够 可能 会 能 要 还
	的 了 吗 呢 吧 啊 呀 么 我 你 您 他 她 它 是 这 那 哪 谁 几`)...)...)

// cutFunctionWords replaces every function word of a Han run by a space.
func cutFunctionWords(run string) string { return functionWords.Replace(run) }

func set(words string) map[string]struct{} {
	m := make(map[string]struct{})
	for w := range strings.FieldsSeq(words) {
		m[w] = struct{}{}
	}
	return m
}

// stemmedSet is the set of the terms that words give.
func stemmedSet(words string) map[string]struct{} {
	m := make(map[string]struct{})
	for w := range strings.FieldsSeq(words) {
		m[stem(w)] = struct{}{}
	}
	return m
}

// spaced pairs every word with a space, as strings.NewReplacer wants them.
func spaced(words string) []string {
	var pairs []string
	for w := range strings.FieldsSeq(words) {
		pairs = append(pairs, w, " ")
	}
	return pairs
}

// kept pairs every word with itself.
func kept(words string) []string {
	var pairs []string
	for w := range strings.FieldsSeq(words) {
		pairs = append(pairs, w, w)
	}
	return pairs
}
