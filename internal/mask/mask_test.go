package mask_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/mask"
	"kefu/internal/testenv"
)

func TestPersonalDataIsReplaced(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"an e-mail address", "write to ann.b+x@mail.example.com please", "write to ⟦EMAIL_1⟧ please"},
		{"equal values share a placeholder", "a@b.example and a@b.example", "⟦EMAIL_1⟧ and ⟦EMAIL_1⟧"},
		{"the sentence around a Chinese address stays", "我的邮箱是test@163.com谢谢", "我的邮箱是⟦EMAIL_1⟧谢谢"},
		{"a full-width address", "邮箱ａｎｎ＠example.com", "邮箱⟦EMAIL_1⟧"},
		{"a Chinese mobile number beside Han characters", "我的手机13912345678打不通", "我的手机⟦PHONE_1⟧打不通"},
		{"a mobile number in full-width digits", "电话：１３９１２３４５６７８", "电话：⟦PHONE_1⟧"},
		{"a mobile number with invisible characters in it", "139\u200b1234\u200b5678", "⟦PHONE_1⟧"},
		{"a Chinese landline", "座机010-64981133,010-64981134", "座机⟦PHONE_1⟧,⟦PHONE_2⟧"},
		{"an international number", "call +44 20 7946 0958 today", "call ⟦PHONE_1⟧ today"},
		{"an American number with its extension", "(415) 555-0132x89 is mine", "⟦PHONE_1⟧ is mine"},
		{"a short number that is called a phone number", "my phone number is 451 5986", "my phone number is ⟦PHONE_1⟧"},
		{"a payment card with a right check digit", "card 4111 1111 1111 1111 declined", "card ⟦CARD_1⟧ declined"},
		{"two cards beside each other", "4111111111111111 5500000000000004", "⟦CARD_1⟧ ⟦CARD_2⟧"},
		{"a card number with a wrong check digit stays", "number 4111 1111 1111 1112", "number 4111 1111 1111 1112"},
		{"a Chinese resident identity number", "身份证 11010519491231002X 认证失败", "身份证 ⟦CN_ID_1⟧ 认证失败"},
		{"a resident of no possible day stays", "编号520323197802318856", "编号520323197802318856"},
		{"a bank account", "IBAN GB88 XDHF 0561 0830 4339 55, thanks", "IBAN ⟦IBAN_1⟧, thanks"},
		{"a bank account with wrong check digits stays", "NL91 ABNA 0417 1643 01", "NL91 ABNA 0417 1643 01"},
		{"a passport", "护照号E12345678", "护照号⟦PASSPORT_1⟧"},
		{"a social security number", "my SSN is 474-49-7577.", "my SSN is ⟦SSN_1⟧."},
		{"an Indian identity number that nothing takes for a parcel", "917286521296", "⟦NATIONAL_ID_1⟧"},
		{"an identity number that could be a parcel's, but is said not to be", "my Aadhaar number is 670668043226", "my Aadhaar number is ⟦NATIONAL_ID_1⟧"},
		{"an Italian number with a right check letter", "codice fiscale RSSMRA85T10A562S", "codice fiscale ⟦NATIONAL_ID_1⟧"},
		{"a Korean number of those that have no check digit", "201130-3637892", "⟦NATIONAL_ID_1⟧"},
		{"a phone number behind a word in capitals for it", "TEL-0412345678", "TEL-⟦PHONE_1⟧"},
		{"an address whose name is in front of it", "localhost/10.2.3.4 refused", "localhost/⟦IP_1⟧ refused"},
		{"a British national insurance number", "nino: PR 123612C", "nino: ⟦NATIONAL_ID_1⟧"},
		{"addresses of the internet", "from 192.168.1.1 and 2001:db8::1, fe80::1", "from ⟦IP_1⟧ and ⟦IP_2⟧, ⟦IP_3⟧"},
		{"a device", "MAC 00:1A:2B:3C:4D:5E", "MAC ⟦MAC_1⟧"},
		{"a wallet", "pay bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "pay ⟦CRYPTO_1⟧"},
		{"a wallet with a wrong checksum stays", "pay bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "pay bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"},
		{"a vendor's key", "my key is sk-" + "abcDEFghijk12mnopqrstuv", "my key is ⟦SECRET_1⟧"},
		{"a signed token that names somebody", "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4iLCJyYXRpbyI6MC41fQ.mFfVQqgXyU0OtQTfb6W2mb8l3zZ4bZ5p", "⟦SECRET_1⟧"},
		{"a key that looks like an example, but is somebody's", "why is sk-" + "abcdefghijklmnop-1234567890-qrstuvwxyz refused", "why is ⟦SECRET_1⟧ refused"},
		{"a password that is told", "my password is Hunter2!, why", "my password is ⟦SECRET_1⟧, why"},
		{"a password that is told in Chinese", "密码是abc12345，登录不了", "密码是⟦SECRET_1⟧，登录不了"},
		{"a one-time code", "验证码是 482913", "验证码是 ⟦SECRET_1⟧"},
		{"a code that is no postal one", "my pin code is 560034, why is it wrong", "my pin code is ⟦SECRET_1⟧, why is it wrong"},
		{"a credential named in camel case", "cardPin: Kx92Lm4Qz7Wv85", "cardPin: ⟦SECRET_1⟧"},
		{"an assigned credential", `client_secret="x7Gh2kPq9LmZ4tRv8WbN"`, `client_secret="⟦SECRET_1⟧"`},
		{"a key in a configuration that somebody asks about", `why is {apiKey:"7c4a8d09ca3762af61e59520943dc264"} refused`, `why is {apiKey:"⟦SECRET_1⟧"} refused`},
		{"a key in JSON", `{"apiKey":"7c4a8d09ca3762af61e59520943dc264"}`, `{"apiKey":"⟦SECRET_1⟧"}`},
		{"a login in base64", "Authorization: Basic YW5uOk1hcm1hbGFkZTQyIQ==", "Authorization: Basic ⟦SECRET_1⟧"},
		{"the password in a link", "https://ann:s3cr3tpw@example.com/x", "https://⟦SECRET_1⟧@example.com/x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, vault := mask.New().Mask(tt.text)
			if string(got) != tt.want {
				t.Errorf("masked = %q, want %q", got, tt.want)
			}
			for _, found := range mask.New().Find(tt.text) {
				if !slices.Contains(mask.Types(), string(found.Type)) {
					t.Errorf("%s is not in the closed set of types", found.Type)
				}
			}
			if vault.Empty() != (tt.text == tt.want) {
				t.Errorf("empty vault = %v for %q", vault.Empty(), tt.text)
			}
		})
	}
}

func TestWhatIsNotPersonalStays(t *testing.T) {
	for _, text := range []string{
		"where is order 10023?",
		"order number 13912345678",
		"订单号 4111111111111111 什么时候到",
		"tracking 9405803699300124287899",
		"since 2026-03-01 for $1,299.00",
		"Today is\r2024-12-31T23:59:59+00:00 or not?",
		"营业时间是周一至周日 08:00-21:00，人均50-100元。",
		"产品编号ABC4111111111111111XYZ",
		"version 1.2.3.4.5 of std::vector",
		"I forgot my password, and my password is wrong",
		"the public_key = 9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit",
		"aws_access_key: AKIA" + "IOSFODNN7EXAMPLE",
		"https://docs.example.com/d/1W7KCxOxP1Fy5EyF2lbJGE2WuKmu5v0suYqoHas1jRM",
		"parcel 443314964840 is late", // both Verhoeff's and FedEx's check digit
		"order 3998 7654 3211, parcel 3998-7654-3211, item 474-49-7577",
		"7905 3531 2317", // as FedEx prints what fits both check digits
		"ORD-0412345678 and SKU-4155550132",
		"part 415-555-0132",
		"codice fiscale RSSMRA85T10A562T",
		"firmware version 1.2.3.4, 版本号：10.2.3.4, Chrome/120.0.0.0",
		"the logo@2x.png is blurred",
		"neither 00:00:00:00:00:00 nor ff:ff:ff:ff:ff:ff",
		"the bar code says 1362253204710", // both a Thai and a GTIN check digit
		"sk-" + "abcdefghijklmnop-1234567890-qrstuvwxyz",
		`{"integrity": "sha512-KsPo4kxyYlJkPxsRzeWnW7sNvQf5ErZBWn3PUNC3yCzVKpuiy4xUUKZ5z3tFhXpvwNWYyjo3mF4iYdlvUYfYdg=="}`,
		"token = NewShortLivedToken_v2",
		"postgres://user:password@db/shop or mysql://[user]:[password]@db or https://$USER:${DB_PASSWORD}@db",
		"postgres://postgres:postgres@localhost and Authorization: Basic dXNlcjpwYXNzd29yZA==",
		"export OPENAI_API_KEY=sk-" + "your-api-key-goes-here-1234567890",
		"Authorization: Bearer YOUR_ACCESS_TOKEN_HERE_123",
		"hf_" + "YourTokenGoesHereForTheHubAccess1",
		"the class sk-fading-circle-container-wrapper-large2",
		"AKIA" + "1234567890ABCDEF",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9k3x1b2kq5Yp0Lz7Hn4Vd8Qw6Ru1Te5Fg2Ba9Cc0D",
		`,appId:"B1QX",apiKey:"7c4a8d09ca3762af61e59520943dc264",`,
		`<add key="ClearTextPassword" value="33f!!lloppa" />`,
		"do you deliver to pin code 560034",
		"the shipping: Kx9-2Lm4Qz7Wv, the mapping: Kx92Lm4Qz7Wv",
		"ping-sha256: Tq3Zx8VnK1mWc5YhR7bJdL0sGfPeUoAi4NyQwEtHu2k=",
		"and the note says U2hpcHBpbmcgdG8gdGhlIGlzbGFuZHMgdGFrZXMgdGVuIGRheXMgbW9yZSBpbiB3aW50ZXI",
		`"token": "4f0e12a9bc87d3..."`,
		"Authorization: Bearer eyJ" + "hbGciOiJIUzI1NiJ9.eyJjb3VudCI6MywicmF0aW8iOjAuNX0.mFfVQqgXyU0OtQTfb6W2mb8l3zZ4bZ5p",
	} {
		if got, _ := mask.New().Mask(text); string(got) != text {
			t.Errorf("masked = %q, want %q as it was", got, text)
		}
	}
}

func TestOnlyReplaceableDataIsRestored(t *testing.T) {
	m, vault := mask.New().Mask("a@b.example paid with 4111111111111111, my password is Hunter2!")
	got := vault.Restore(desk.Masked("We wrote to ⟦EMAIL_1⟧ about ⟦CARD_1⟧ and ⟦SECRET_1⟧. " + string(m)))
	if !strings.Contains(got, "wrote to a@b.example") {
		t.Errorf("the author's own address is missing: %q", got)
	}
	for _, secret := range []string{"4111111111111111", "Hunter2!"} {
		if strings.Contains(got, secret) {
			t.Errorf("%s came back: %q", secret, got)
		}
	}
}

func TestATypedPlaceholderIsNotTaken(t *testing.T) {
	m, vault := mask.New().Mask("⟦EMAIL_1⟧ is not a@b.example")
	if want := "⟦EMAIL_1⟧ is not ⟦EMAIL_1001⟧"; string(m) != want {
		t.Errorf("masked = %q, want %q", m, want)
	}
	if got, want := vault.Restore(m), "⟦EMAIL_1⟧ is not a@b.example"; got != want {
		t.Errorf("restored = %q, want %q", got, want)
	}
}

func TestOperatorsPatternsAreMaskedAndRestored(t *testing.T) {
	masker := mask.New(mask.Pattern{Type: "MEMBER", Regexp: regexp.MustCompile(`\bM-\d{3}\b`)})
	m, vault := masker.Mask("I am M-123")
	if m != "I am ⟦MEMBER_1⟧" || vault.Restore(m) != "I am M-123" {
		t.Errorf("masked = %q, restored = %q", m, vault.Restore(m))
	}
}

func FuzzRestoreUndoesMask(f *testing.F) {
	f.Add("⟦EMAIL_1⟧ x@y.example 13912345678")
	f.Add("我的邮箱是 a.b@c.example，电话 +86 139-1234-5678")
	f.Add("GB88XDHF05610830433955 ::1 00:1A:2B:3C:4D:5E 474-49-7577 E12345678")
	f.Add("password: Hunter2!x １３９１２３４５６７８")
	masker := mask.New()
	f.Fuzz(func(t *testing.T, text string) {
		masked, vault := masker.Mask(text)
		again, rest := masker.Mask(string(masked))
		if again != masked || !rest.Empty() {
			t.Fatalf("masking twice changed %q to %q", masked, again)
		}
		if strings.Contains(string(masked), "⟦CARD_") || strings.Contains(string(masked), "⟦SECRET_") {
			return
		}
		if got := vault.Restore(masked); got != text {
			t.Fatalf("restored = %q, want %q", got, text)
		}
	})
}

func TestReDoSMaskingTakesLinearTime(t *testing.T) {
	masker := mask.New()
	testenv.Linear(t, func(text string) { masker.Mask(text) }, map[string]string{
		"digits": "1234567890", "groups": "138 1234 5678 ", "at signs": "a@b.c", "prose": "How long for 13812345678 with a card? ",
		"Han": "我的手机13912345678打不通", "keys": "AbC1dEf2-", "colons": "ab:cd:", "passwords": "password: ", "plus": "+1-",
		"curl": "curl -u a ", "manifests": "kind: Secret\n a: b\n", "tokens": "eyJ", "links": "http://a:b", "accounts": "DE89 3704 ",
		"pairs": "3c-5a-b4-0e-91-7d-", "quads": "3c5a.b40e.", "labels": "src:2001:db8::1 ", "blanks": " ", "base58": "1JMX7ZFy1DXNf4qRHgr2vzSjSKeujyJrtv ",
		"nine": "912743856 ", "papers": "E67812345 JG103572A ", "dots": "1.2.3.", "invisible": "1\u200b２", "capitals": "A", "placeholders": "⟦EMAIL_1⟧",
	})
}

func BenchmarkMaskOrdinaryQuestion(b *testing.B) {
	masker := mask.New()
	for b.Loop() {
		masker.Mask("How long do I have to return headphones that I bought with a gift card?")
	}
}

func BenchmarkMaskChineseQuestion(b *testing.B) {
	masker := mask.New()
	for b.Loop() {
		masker.Mask("我想知道退货流程需要多长时间，运费由谁承担？")
	}
}

func BenchmarkMaskQuestionWithPersonalData(b *testing.B) {
	masker := mask.New()
	for b.Loop() {
		masker.Mask("I am ann@example.com, call me under 415-555-0132 about my parcel")
	}
}
