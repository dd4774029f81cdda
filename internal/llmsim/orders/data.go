package orders

import (
	"fmt"
	"time"
)

// Status is how far an order has come.
type Status string

const (
	Received  Status = "received"
	Paid      Status = "paid"
	Preparing Status = "preparing"
	Shipped   Status = "shipped"
	Delivered Status = "delivered"
	OnHold    Status = "on_hold"
	BackOrder Status = "back_order"
	Cancelled Status = "cancelled"
)

const (
	prefix = "LN204" // before the last five digits of a number
	first  = 10001
	count  = 40
)

// words are what customers read of a status; the order and the date
// that matters are filled in.
type words struct {
	status               Status
	en, zh               string
	summaryEN, summaryZH string
	cancellable          bool
	days                 int // from the order to that date
}

var statuses = [...]words{
	{Received, "Received", "已收到", "Order %s was received. We are checking stock and payment until %s.", "订单 %s 已收到，我们会在%s前核对库存和付款。", true, 1},
	{Paid, "Paid", "已付款", "Order %s is paid. It will be packed by %s.", "订单 %s 已付款，将在%s前配货。", true, 1},
	{Preparing, "Preparing", "配货中", "Order %s is being packed. It will be shipped by %s.", "订单 %s 正在配货，将在%s前发货。", false, 2},
	{Shipped, "Shipped", "已发货", "Order %s was shipped. It will arrive by %s.", "订单 %s 已发货，预计%s前送达。", false, 5},
	{Delivered, "Delivered", "已送达", "Order %s was delivered on %s.", "订单 %s 已于%s送达。", false, 4},
	{OnHold, "On hold", "暂停", "Order %s is on hold because the payment failed. Please pay again by %s.", "订单 %s 因付款失败而暂停，请在%s前重新付款。", true, 1},
	{BackOrder, "Back-order", "缺货待发", "Order %s waits for stock. It will be shipped by %s.", "订单 %s 缺货待发，预计%s前发货。", true, 20},
	{Cancelled, "Cancelled", "已取消", "Order %s is cancelled. The refund will arrive by %s.", "订单 %s 已取消，退款将在%s前到账。", false, 7},
}

var products = [...]string{"Glow L2", "Aria H1", "Glow L2", "Slate T10", "Aria H1"}

var notFound = problem{"order_not_found", "There is no order of this number.", "没有这个编号的订单。"}

func tooLate(o Order) problem {
	return problem{
		"not_cancellable",
		fmt.Sprintf("Order %s cannot be cancelled, because its status is %s.", o.ID, o.StatusEN),
		fmt.Sprintf("订单 %s 的状态是“%s”，不能取消。", o.ID, o.StatusZH),
	}
}

// all makes the orders, the same ones every time.
func all() map[string]Order {
	orders := make(map[string]Order, count)
	for i := range count {
		o := Order{
			ID:       fmt.Sprintf("%s%d", prefix, first+i),
			Product:  products[i%len(products)],
			Quantity: 1 + i%3,
			Ordered:  time.Date(2026, time.March, 2+i%20, 0, 0, 0, 0, time.UTC).Format(time.DateOnly),
		}
		orders[o.ID] = o.as(statuses[i%len(statuses)].status)
	}
	return orders
}

// as returns the order in another status.
func (o Order) as(status Status) Order {
	for _, w := range statuses {
		if w.status != status {
			continue
		}
		ordered, _ := time.Parse(time.DateOnly, o.Ordered) // written by all
		day := ordered.AddDate(0, 0, w.days)
		en, zh := day.Format("2 January 2006"), fmt.Sprintf("%d年%d月%d日", day.Year(), day.Month(), day.Day())
		o.Status, o.StatusEN, o.StatusZH, o.Cancellable = w.status, w.en, w.zh, w.cancellable
		o.SummaryEN = fmt.Sprintf(w.summaryEN, o.ID, en)
		o.SummaryZH = fmt.Sprintf(w.summaryZH, o.ID, zh)
	}
	return o
}

// in returns the order as it is told in a language, in both without one.
func (o Order) in(lang string) Order {
	switch lang {
	case "en":
		o.StatusZH, o.SummaryZH = "", ""
	case "zh":
		o.StatusEN, o.SummaryEN = "", ""
	}
	return o
}
