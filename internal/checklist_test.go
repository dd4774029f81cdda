package internal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// checklist is what Kefu promises of its safety, line by line, and the tests
// that hold it: package below the module, and name.
var checklist = map[string]string{
	"Auth: every route but the public ones refuses missing, wrong, expired and revoked keys": `
		internal/httpapi TestEveryRouteButThePublicOnesRefusesCallersWithoutTheKey
		internal/httpapi TestEveryRouteRefusesKeysThatHaveEndedAndRolesThatAreTooWeak
		internal/access TestARevokedKeyIsRefusedWithinFiveSeconds
		internal/access TestAnExpiredKeyIsRefusedAtItsMoment`,
	"Keys: random, hashed at rest, shown once; a dump opens nothing": `
		internal/access TestASecretHoldsMoreThan256BitsAndShowsLittle
		internal/store TestAKeyIsKeptAsAHashAndEndsWhenItIsRevoked`,
	"Roles: too weak a role is refused, and so are unknown fields": `
		internal/httpapi TestEveryRouteRefusesKeysThatHaveEndedAndRolesThatAreTooWeak
		cmd/kefu TestBadInputIsAProblemWithACodeAndAField`,
	"Isolation: no tenant meets another": `
		cmd/kefu TestTwoTenantsNeverMeetInTenThousandOperations
		internal/cache TestKeysDifferByTenantAndPart
		internal/cache TestOtherTenantsQuestionsAreNoKin
		internal/store TestTenantsDoNotSeeEachOther`,
	"IDs: another's answers like a missing one": `
		cmd/kefu TestTwoTenantsNeverMeetInTenThousandOperations
		internal/httpapi TestAConversationIsListedReadAndDeletedByItsUserAlone
		internal/httpapi TestAUserIsExportedAndDeletedByTheirOperatorAlone`,
	"Shared cache: what history, tools or personal data touched is not shared": `
		internal/answer TestAnswersWithToolsAreForTheirAskerAlone
		internal/answer TestPersonalDataIsMaskedRestoredAndNeverShared
		internal/answer TestWhatIsNotForOthersIsNotForNearlyTheSameQuestion
		cmd/kefu TestTheAskersOwnDataIsRestoredForThemAlone`,
	"Direct injection: measured on attacks that were not seen": `
		internal/guard TestDirectInjectionIsNotSimplyAllowed
		internal/guard TestObfuscatedInjectionIsNotSimplyAllowed
		internal/guard TestCustomersAreNotSuspected
		internal/eval TestTheGuardIsMeasuredByCategoryAndOutOfFold
		internal/answer TestDirectInjectionIsRefusedPolitelyWithoutAModel`,
	"Indirect injection: what was planted causes no call, link or disclosure": `
		internal/answer TestIndirectInjectionThatIsObeyedLinksToNothing
		internal/answer TestPlantedInstructionsComeToNothing
		internal/tool TestAnInstructionInAResultMovesNothing
		cmd/kefu TestAPlantedInstructionInAnOrderComesToNothing
		cmd/kefu TestPlantedDocumentsAreFlaggedToTheOperatorAndAnsweredFromWithCare`,
	"Prompt leak: the canary is nowhere": `
		internal/answer TestPromptLeakIsHeldBackAndTheCanaryIsNowhere
		internal/answer TestTheCanaryIsNotStreamedInPieces`,
	"Agency: tools are allowed by tenant, checked, confirmed, keyed and act for who asked": `
		internal/tool TestAToolIsForItsTenantsAloneAlsoWhereAModelInventsItOrATokenNamesIt
		cmd/kefu TestToolsServeTheTenantsThatAreNamedAlone
		internal/tool TestArgumentsAreChecked
		internal/tool TestAWriteWaitsForTheCustomer
		internal/tool TestAWriteThatNobodyAskedForIsNotEvenOffered
		internal/tool TestWritesNeedAKeyAndHaveOneEffect
		internal/tool TestATokenStandsForOneActionOfOneCustomer
		internal/tool TestBounds`,
	"SSRF: no address that is not public, however it is spelt, resolved or redirected": `
		internal/egress TestOnlyThePublicInternetIsPublic
		internal/egress TestPrivateAddressesAreRefusedUnlessNamed
		internal/egress TestANameIsJudgedByTheAddressThatIsDialled
		internal/egress TestANameThatIsBoundAnewGainsNothing
		internal/egress TestRedirects
		internal/egress TestURLsThatAreRefusedUnasked
		cmd/kefu TestHostsThatAreNotListedAreNotReached`,
	"Upstream trust: status, size, type and form are checked": `
		internal/tool TestHostileServers
		internal/egress TestBodiesAreBounded
		internal/llm/openai TestEmbeddingsThatCannotBeUsed
		internal/llm/openai TestFailureKinds
		internal/llm/anthropic TestFailureKinds
		internal/llm/gemini TestFailureKinds`,
	"XSS: text stays text, and nothing inline is allowed": `
		internal/web TestTextFromOutsideStaysText
		internal/web TestEveryFileIsServedUnderAPolicyThatAllowsNothingInline
		internal/httpapi TestTheReferenceIsServedUnderAPolicyThatAllowsNothingInline
		internal/web TestTheReferenceIsReadAndTriedOutUnderItsPolicy`,
	"Output: no credential, card or other tenant's name is said, nor begun in a stream": `
		internal/answer TestNoOtherTenantIsNamed
		internal/answer TestLeakedSecretsAndPlaceholdersAreHeldBack
		internal/answer TestNoSecretIsStreamedInPieces`,
	"Exfiltration: foreign links and images are left out": `
		internal/answer TestIndirectInjectionThatIsObeyedLinksToNothing
		internal/answer TestLeakedSecretsAndPlaceholdersAreHeldBack
		internal/answer TestLinksOfTheKnowledgeBaseAndTheConfigurationMayBeTold`,
	"CSRF: no other page acts for who is signed in, nor is any invited": `
		internal/httpapi TestWithoutKeysNoNameOfTheInternetIsAnswered
		internal/httpapi TestNoOtherPageActsForWhoIsSignedIn
		internal/httpapi TestEveryRouteButThePublicOnesRefusesCallersWithoutTheKey`,
	"Session: signs in once, sees its own, ends, and is throttled": `
		internal/httpapi TestALinkSignsInOnceAndAsWhatItSays
		internal/httpapi TestASessionMayWhatItsRoleMayAndSeesItsTenantAlone
		internal/httpapi TestASessionEndsWithItsKeyBySigningOutAndBySigningInAgain
		internal/httpapi TestSigningInIsThrottled`,
	"Upload names: traversal, absolute, symlink, NUL and archive slip reach no disk": `
		internal/httpapi TestUploadsThatCannotBeTakenInSayWhy
		internal/httpapi TestFilesOfAFormAreOneReleaseAndTheirNamesLoseTheirFolders
		internal/ingest TestBadFilesAreNamedAndTheRestIsLoaded
		internal/ingest/docx TestHostileDocumentsAreRefused`,
	"DOCX bomb": `
		internal/ingest/docx TestHostileDocumentsAreRefused
		internal/ingest TestFewDocumentsAreUnpackedAtATime`,
	"PDF bomb": `
		internal/ingest/pdf TestHostileFilesAreRefused
		internal/ingest/pdf TestAReadThatTakesLongIsInterrupted
		internal/ingest TestADocumentThatTakesTooLongCostsItselfAlone`,
	"File type: content decides": `
		internal/ingest TestFilesThatCannotBeExtracted
		internal/ingest TestWordDocumentsThatAreRefused`,
	"Sizes: question, body, headers, tokens and names are bounded": `
		cmd/kefu TestBadInputIsAProblemWithACodeAndAField
		internal/httpapi TestGiantBodiesAreRefusedUnread
		internal/httpapi TestReaderThatStopsReadingIsCutOff
		internal/tool TestBounds`,
	"Wallet: nothing overspends": `
		cmd/kefu TestNoBudgetIsOverspentWhateverHappens
		cmd/kefu TestAModelWithoutAPriceIsRefusedUnderABudgetInDollars
		internal/store TestConcurrentReservationsNeverExceedTheCap
		internal/budget TestBudgetsCoverTenantsKeysAndUsers
		internal/store TestARotatedKeySpendsFromTheSameBudget
		internal/store TestABudgetIsForAKeyThatThereIs`,
	"ReDoS: time grows with the text": `
		internal/guard TestReDoSJudgingTakesLinearTime
		internal/mask TestReDoSMaskingTakesLinearTime`,
	"Log injection: nothing that is logged forges a line": `
		internal/telemetry TestLogLinesCannotBeForged`,
	"Leakage: no reply, log, label, trace or report holds what a customer wrote": `
		cmd/kefu TestLeakageOnEveryFailingPathNothingOfTheAskerIsTold
		cmd/kefu TestPersonalDataOfAQuestionLeavesTheProcessNowhere
		internal/telemetry TestNothingPrivateReachesSentry
		internal/handoff TestLogNeverHoldsTheAddressOrTheQuestion
		internal/config TestSecretsAreNeverPrinted`,
	"At rest: conversations may be encrypted, and a deleted user is gone": `
		internal/store TestWhatCustomersSaidIsNowhereInTheRawDatabase
		internal/store TestNoTableHoldsADeletedUser
		internal/store TestWhatIsDeletedIsNotInTheFilesEither
		internal/store TestWhatWasAskedBeforeADeletionIsNotWrittenAfterIt
		internal/store TestADeletionWaitsForWhoIsWriting
		internal/httpapi TestTheReplyToADeletedUserIsNotGivenAgain
		cmd/kefu TestConversationsAreEncryptedAtRestAndStillExportedAndDeleted`,
	"Confidential: local-only documents and topics reach private models alone": `
		cmd/kefu TestWhatIsAboutALocalOnlyTopicReachesPrivateModelsAlone
		internal/answer TestConfidentialQuestionsAreForPrivateModelsAlsoWhenTheyAreRenewedOrInspected
		cmd/kefu TestLocalOnlyDocumentsReachPrivateModelsAlone
		cmd/kefu TestWithoutAPrivateModelLocalOnlyDocumentsAreQuotedOffline`,
	"Errors: a stable code and an id, and never the cause": `
		internal/httpapi TestProblems
		internal/httpapi TestOpenAIErrors
		internal/httpapi TestErrorsAreLoggedOnceWithTheRequestIDAndReported
		internal/answer TestEveryFailureHasASentenceInBothLanguagesAndNeverTheCause`,
	"Labels: from closed sets": `
		internal/telemetry TestLabelsComeFromClosedSets
		internal/telemetry TestSeriesStayUnderTheCap`,
	"Surface: what is routed is described, and metrics need a key": `
		internal/httpapi TestEveryRouteIsDescribedAndEveryDescriptionHasARoute
		cmd/kefu TestACallerNeedsTheKeyWhereThereIsOne`,
	"Supply: what is built and run is pinned": `
		deploy TestSupplyEveryModuleIsPinnedByItsHash
		deploy TestImageIsPinnedUnprivilegedAndComplete
		deploy TestServicesAreFitForProduction`,
	"Grounding: what no source supports is not said": `
		internal/grounding TestUnsupportedClaimsAreCaughtAndParaphrasesKept
		internal/grounding FuzzEveryQuoteIsInItsSource
		internal/answer TestWhatIsNotSupportedIsNotSaid`,
	"Audit: who changed what, and when": `
		internal/store TestEveryChangeOfKeysTenantsAndBudgetsIsInTheAuditLog
		cmd/kefu TestEveryChangeByACommandIsInTheAuditLogWithItsUser
		internal/httpapi TestAdministratorsMakeTenantsKeysAndBudgetsAndSeeWhoDid`,
}

func TestEveryLineOfTheSecurityChecklistHasItsTests(t *testing.T) {
	named := map[string][]string{} // tests by package
	for line, tests := range checklist {
		listed := strings.Fields(tests)
		if len(listed) == 0 {
			t.Errorf("%s: no test", line)
		}
		for pair := range slices.Chunk(listed, 2) {
			if len(pair) != 2 {
				t.Fatalf("%s: %v is not a package and a name", line, pair)
			}
			dir, name := pair[0], pair[1]
			if named[dir] == nil {
				all, err := testsIn(filepath.Join("..", dir))
				if err != nil {
					t.Fatal(err)
				}
				named[dir] = all
			}
			if !slices.Contains(named[dir], name) {
				t.Errorf("%s: there is no %s in %s", line, name, dir)
			}
		}
	}
}

var testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)

// testsIn are the names of a package's tests.
func testsIn(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there are no tests in %s", dir)
	}
	names := []string{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, m := range testFunc.FindAllStringSubmatch(string(source), -1) {
			names = append(names, m[1])
		}
	}
	return names, nil
}
