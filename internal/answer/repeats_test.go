package answer_test

import (
	"slices"
	"testing"

	"kefu/internal/desk"
)

// cutsOf are why passages are left out, by document, and of what the repeated
// are a repeat.
func cutsOf(t *testing.T, s *shop, question string) (cuts map[desk.DocumentID]desk.Cut, of map[desk.DocumentID]desk.ChunkID) {
	t.Helper()
	in, err := s.Inspect(t.Context(), desk.Scope{Tenant: desk.DefaultTenant}, question, 10)
	if err != nil {
		t.Fatal(err)
	}
	cuts, of = map[desk.DocumentID]desk.Cut{}, map[desk.DocumentID]desk.ChunkID{}
	for _, h := range in.Hits {
		cuts[h.Document], of[h.Document] = h.Cut, h.Of
	}
	return cuts, of
}

const warranty = "The warranty of a kettle lasts two years. It begins on the day of delivery and covers every part. Send us the kettle with its receipt, and we repair it free of charge."

func TestAPassageThatRepeatsAnotherTakesNoPlace(t *testing.T) {
	s := open(t, complex)
	s.library.publish("a", "Warranty", warranty)
	s.library.publish("b", "Warranty", warranty)
	s.library.publish("c", "Warranty", "Welcome. "+warranty)
	s.library.publish("d", "Warranty claims", "A warranty claim of a kettle is decided by our workshop within a week.")
	s.catchUp()
	const question = "How long does the warranty of a kettle last and who decides?"
	cuts, of := cutsOf(t, s, question)
	if cuts["d"] != desk.Kept {
		t.Errorf("cuts = %v, want what says something else in the prompt", cuts)
	}
	var kept []desk.DocumentID
	for _, id := range []desk.DocumentID{"a", "b", "c"} {
		if cuts[id] == desk.Kept {
			kept = append(kept, id)
		} else if cuts[id] != desk.CutRepeats || of[id] == "" {
			t.Errorf("%s: %s of %q, want it cut as a repeat of the one that is shown", id, cuts[id], of[id])
		}
	}
	if len(kept) != 1 {
		t.Errorf("of three alike %q are shown, want one", kept)
	}
	s.ask(question)
	copies := slices.DeleteFunc(slices.Clone(s.model.last().Prompt.Sources), func(p desk.Passage) bool { return p.Title != "Warranty" })
	if len(copies) != 1 {
		t.Errorf("%d of three alike in the prompt, want 1", len(copies))
	}
}

func TestWhatDiffersWhereItMattersIsNoRepeat(t *testing.T) {
	for name, tt := range map[string]struct{ question, one, other string }{
		"by a number":              {"How long does the warranty of a kettle last?", warranty, "The warranty of a kettle lasts three years. It begins on the day of delivery and covers every part. Send us the kettle with its receipt, and we repair it free of charge."},
		"by a no":                  {"How long does the warranty of a kettle last?", warranty, "The warranty of a kettle lasts two years. It begins on the day of delivery and does not cover every part. Send us the kettle with its receipt, and we repair it free of charge."},
		"by what is asked about":   {"Is the warranty of a kettle valid in Canada or in Mexico?", warranty + " Also in Mexico.", warranty + " Also in Canada."},
		"in another Chinese price": {"水壶的保修期多长，费用多少？", "水壶的保修期为两年，自收货之日起计算，涵盖所有零件。维修费用为十元，请连同收据一起寄回。", "水壶的保修期为两年，自收货之日起计算，涵盖所有零件。维修费用为二十元，请连同收据一起寄回。"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, complex)
			s.library.publish("one", "Help", tt.one)
			s.library.publish("other", "Help", tt.other)
			s.catchUp()
			if cuts, _ := cutsOf(t, s, tt.question); len(cuts) < 2 || cuts["one"] != desk.Kept || cuts["other"] != desk.Kept {
				t.Errorf("cuts = %v, want both shown", cuts)
			}
		})
	}
}

func TestAPrivateCopyDoesNotReplaceThePublicOne(t *testing.T) {
	s := open(t, complex)
	s.library.publish("a-private", "Warranty", warranty)
	s.library.publish("b-public", "Warranty", warranty)
	s.library.mark("a-private", func(c *desk.Chunk) { c.LocalOnly = true })
	s.catchUp()
	if cuts, _ := cutsOf(t, s, "How long does the warranty of a kettle last?"); cuts["b-public"] != desk.Kept {
		t.Errorf("cuts = %v, want the public one shown", cuts)
	}
}

func TestPlacesGoToWhatSaysSomethingNew(t *testing.T) {
	s := open(t, complex)
	for _, id := range []desk.DocumentID{"k1", "k2", "k3", "k4", "k5", "k6"} {
		s.library.publish(id, "Delivery of parcels", "Delivery of a parcel takes two days. A parcel is left with a neighbour when nobody opens the door.")
	}
	s.library.publish("islands", "Delivery of parcels to islands", "The ferry brings a parcel to the islands on Fridays, which makes delivery later.")
	s.library.publish("lifts", "Delivery upstairs", "A parcel of a washing machine is carried upstairs at delivery where there is a lift.")
	s.catchUp()
	s.ask("How does delivery of a parcel work and when?")
	var shown []desk.DocumentID
	for _, p := range s.model.last().Prompt.Sources {
		shown = append(shown, p.Document)
	}
	alike := slices.DeleteFunc(slices.Clone(shown), func(id desk.DocumentID) bool { return id[0] != 'k' })
	if len(alike) != 1 || !slices.Contains(shown, "islands") || !slices.Contains(shown, "lifts") {
		t.Errorf("sources = %v, want one of six alike, and the two others", shown)
	}
}
