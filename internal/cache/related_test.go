package cache

import (
	"fmt"
	"strings"
	"testing"
)

func TestTheIndexIsBoundedAndForgetsTheOldestFirst(t *testing.T) {
	n := newNear(10)
	add := func(i int) {
		q := fmt.Sprint("return damaged item number", i)
		n.add(Key(fmt.Sprint(i)), Kin{Scope: "s", Question: q, Terms: strings.Fields(q)})
	}
	for i := range 1000 {
		add(i)
		add(i) // once more is once
	}
	n.drop("995")
	add(1000)
	if len(n.slots) != 10 || len(n.at) != 10 || len(n.having) != 3+10 || len(n.free) != 0 {
		t.Errorf("slots = %d, questions = %d, terms = %d, free = %d", len(n.slots), len(n.at), len(n.having), len(n.free))
	}
	for i := 990; i <= 1000; i++ {
		if _, ok := n.at[Key(fmt.Sprint(i))]; ok == (i == 995) {
			t.Errorf("question %d: known = %v", i, ok)
		}
	}
	for i := range 1001 {
		n.drop(Key(fmt.Sprint(i)))
	}
	if len(n.at)+len(n.having) != 0 {
		t.Errorf("when all have left: questions = %d, terms = %d", len(n.at), len(n.having))
	}
	long := Kin{Scope: "s", Question: "long", Terms: make([]string, longestKin+1)}
	if n.add("long", long); len(n.at) != 0 || len(n.propose(long)) != 0 {
		t.Error("a question that is too long was remembered")
	}
}
