package page

// chinese is what a term is called in Chinese; empty where nobody would ask.
func chinese(term string) string { return terms[term] }

var terms = map[string]string{
	"Kefu on your own questions": "Kefu 对您自己的问题", "Kefu measured on labelled data": "Kefu 在标注数据上的测量", "Two configurations side by side": "两种配置对比",
	"questions": "问题", "question": "问题", "right": "正确", "rows": "行",
	"retrieval": "检索", "citations": "引用", "abstention": "拒答", "route": "路由", "router": "路由", "cache": "缓存", "latency": "延迟", "cost": "费用",
	"every question": "全部问题", "what differs": "不同之处", "verdict": "结果", "verdicts": "结果分布", "expected": "期望", "answer": "回答", "cited": "引用的文档", "rank": "名次", "tokens": "令牌",
	"hit@k": "前 k 条命中率", "hit@5": "前 5 条命中率", "time to answer by percentile": "各百分位的回答时间", "precision": "精确率", "recall": "召回率",
	"answered, of those with an answer": "有答案的问题中作答", "refused, of those without": "无答案的问题中拒答", "hits when asked again": "再次提问命中率",
	"asked again": "再次提问", "first asking": "首次提问", "a question": "每个问题", "all askings": "全部提问", "cost a question": "每个问题的费用", "cost of a thousand such questions": "每千个同类问题的费用",
	"p50, p95, p99": "延迟分位", "p50, p95, p99 again": "再次提问延迟分位", "latency ms": "延迟（毫秒）", "cost $": "费用（美元）",
	"simple": "简单", "complex": "复杂", "agent": "工具", "none": "未命中", "memory": "内存", "redis": "Redis", "semantic": "相近问题",
	"did not know": "说不知道", "should not know": "本应说不知道", "other documents": "引用了别的文档", "other answer": "回答不符", "failed": "失败", "better": "变好", "worse": "变差", "changed": "有变化",
	"pairs": "问题对", "claims": "断言核查", "documents": "文档", "personal data": "个人数据", "injection": "注入攻击", "search quality": "检索质量",
	"plain": "普通 BM25", "lexical": "词项", "hybrid": "混合", "hit rate": "命中率", "false hits": "误命中",
}
