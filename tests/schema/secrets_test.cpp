// Secrets: what has to be found, what must not be, and that nothing of a secret is left.
#include "schema/secrets.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include "secrets_maker.h"

namespace strop::schema {
namespace {

struct Known {
  std::string rule;
  std::string before;  // context
  std::string secret;
  std::string after;
};

std::vector<Known> known_secrets(unsigned seed) {
  SecretMaker make(seed);
  const std::string begin = std::string("-----BEGIN ") + "RSA PRIVATE KEY-----\n";
  const std::string end = std::string("-----END ") + "RSA PRIVATE KEY-----";
  return {
      {"aws_access_key", "id = '", "AKIA" + make(kBase32, 16), "'"},
      {"aws_secret_key", "aws_secret_access_key = ", make(kBase64, 40), "\n"},
      {"azure_storage_key", "AccountName=a;AccountKey=", make(kBase64, 86) + "==", ";"},
      {"azure_client_secret", "s = \"", make(kBase62, 3) + "8Q~" + make(kBase62, 34), "\""},
      {"azure_sas", "https://a.blob.core.windows.net/b?sp=r&sig=", make(kBase62, 43) + "%3D", "\n"},
      {"google_api_key", "key=", "AIza" + make(kBase62, 35), "&x"},
      {"google_oauth", "", "GOCSPX-" + make(kBase62, 28), "\n"},
      {"digitalocean_token", "(", "dop_v1_" + make(kHex, 64), ")"},
      {"github_token", "git clone https://", "ghp_" + make(kBase62, 36), "@github.com/a/b"},
      {"github_token", "t: ", "github_pat_" + make(kBase62, 22) + "_" + make(kBase62, 59), "\n"},
      {"gitlab_token", "TOKEN=", "glpat-" + make(kBase62, 20), "\n"},
      {"npm_token", "", "npm_" + make(kBase62, 36), "\n"},
      {"pypi_token", "password: ", "pypi-AgEIcHlwaS5vcmc" + make(kBase62, 80), "\n"},
      {"docker_token", "'", "dckr_pat_" + make(kBase62, 27), "'"},
      {"vault_token", "VAULT=", "hvs." + make(kBase62, 90), "\n"},
      {"slack_token", "\"", "xoxb-" + make(kDigits, 12) + "-" + make(kBase62, 24), "\""},
      {"slack_webhook", "https://hooks.slack.com/",
       "services/T" + make(kBase62, 9) + "/B" + make(kBase62, 9) + "/" + make(kBase62, 24), "\n"},
      {"telegram_token", "bot", make(kDigits, 9) + ":AA" + make(kBase62, 33), "/send"},
      {"stripe_key", "stripe.api_key = '", "sk_live_" + make(kBase62, 24), "'"},
      {"twilio_key", "sid='", "SK" + make(kHex, 32), "'"},
      {"twilio_token", "TWILIO_AUTH_TOKEN=", make(kHex, 32), "\n"},
      {"sendgrid_key", "'", "SG." + make(kBase62, 22) + "." + make(kBase62, 43), "'"},
      {"mailgun_key", "'", "key-" + make(kHex, 32), "'"},
      {"anthropic_key", "x-api-key: ", "sk-ant-api03-" + make(kBase62, 93) + "AA", "\n"},
      {"openai_key", "'", "sk-proj-" + make(kBase62, 48) + "T3BlbkFJ" + make(kBase62, 48), "'"},
      {"openai_key", "'", "sk-" + make(kBase62, 20) + "T3BlbkFJ" + make(kBase62, 20), "'"},
      {"model_key", "key = '", "sk-or-v1-" + make(kHex, 64), "'"},
      {"huggingface_token", "login(\"", "hf_" + make(kLetters, 34), "\")"},
      {"databricks_token", "'", "dapi" + make(kHex, 32), "'"},
      {"jwt", "Cookie: t=",
       "eyJ" + make(kBase62, 33) + ".eyJ" + make(kBase62, 60) + "." + make(kBase62, 43), ";"},
      {"url_password", "postgres://app:", "p4" + make(kBase62, 12), "@db.internal:5432/app"},
      {"authorization", "-H 'Authorization: Bearer ", make(kBase62, 40), "'"},
      {"connection_string", "Server=tcp:db;User ID=app;Password=", "p4$" + make(kBase62, 12), ";"},
      {"netrc_password", "machine api.internal login bob password ", "p4" + make(kBase62, 12),
       "\n"},
      {"password", "  \"password\": \"", "S3!" + make(kBase62, 12), "\","},
      {"password", "DB_PASSWORD=", "1z" + make(kBase62, 10) + "7q" + make(kBase62, 8), "\n"},
      {"secret", "client_secret = \"", "a1" + make(kBase62, 36) + "b2", "\""},
      {"password", "password: \"", "S3!" + make(kBase62, 12), "\n"},
      {"secret", "client_secret = \"", "a1" + make(kBase62, 36) + "b2", "\r\n"},
      {"secret", "export API_TOKEN=", "7" + make(kHex, 38) + "c", "\n"},
      {"private_key", "key = \"\"\"", begin + make.key_lines(8) + end, "\"\"\""},
      {"private_key", "cut off behind:\n", begin + make.key_lines(3), ");\n"},
      {"age_key", "# ", "AGE-SECRET-KEY-1" + make(kBase32, 58), "\n"},
  };
}

// The hits of one rule over many makings: chance may make a token that looks like a placeholder
// or too even, but seldom.
TEST(Secrets, FindsTheCommonOnes) {
  std::map<std::string, std::pair<int, int>> found;  // of, all
  for (unsigned seed = 0; seed < 25; ++seed)
    for (const Known& known : known_secrets(seed)) {
      const std::string text = "first line\n" + known.before + known.secret + known.after + "last";
      const std::string scrubbed = scrub_secrets(text);
      auto& [hit, all] = found[known.rule];
      ++all;
      if (scrubbed.find(known.secret) == std::string::npos &&
          scrubbed.find(kRedactedMark) != std::string::npos)
        ++hit;
      EXPECT_TRUE(scrubbed.starts_with("first line\n")) << scrubbed;
      EXPECT_TRUE(scrubbed.ends_with("last")) << scrubbed;
    }
  for (const auto& [rule, counts] : found)
    EXPECT_GE(counts.first, counts.second - counts.second / 25) << rule;
}

TEST(Secrets, NamesTheRuleAndThePlace) {
  for (const Known& known : known_secrets(7)) {
    const std::string text = known.before + known.secret + known.after;
    const auto hits = scan_secrets(text);
    ASSERT_FALSE(hits.empty()) << known.rule << ": " << text;
    EXPECT_LE(hits.front().begin, known.before.size() + 4) << known.rule;
    EXPECT_GE(hits.front().end, known.before.size() + known.secret.size()) << known.rule;
    EXPECT_EQ(hits.front().rule, known.rule) << text;
  }
}

TEST(Secrets, WhatIsScrubbedStaysScrubbed) {
  for (unsigned seed = 0; seed < 5; ++seed)
    for (const Known& known : known_secrets(seed)) {
      const std::string once = scrub_secrets(known.before + known.secret + known.after);
      EXPECT_EQ(scrub_secrets(once), once) << known.rule;
    }
}

TEST(Secrets, FindsAKeyCutOffInFront) {
  SecretMaker make(3);
  const std::string tail = make(kBase64, 64) + "\n" + make(kBase64, 20) + "==\n" + "-----END " +
                           "OPENSSH PRIVATE KEY-----";
  EXPECT_EQ(scrub_secrets(tail + ";"), std::string(kRedactedMark) + "private_key»;");
}

TEST(Secrets, AKeyBehindTheEndOfAnotherThatIsCutOff) {
  SecretMaker make(6);
  const std::string line = make(kBase64, 64);
  for (const std::string between : {"\n", "\\n"}) {
    const std::string text = std::string("-----END ") + "RSA PRIVATE KEY" + between +
                             "-----BEGIN " + "PRIVATE KEY-----" + between + line + between;
    EXPECT_EQ(scrub_secrets(text).find(line), std::string::npos) << text;
  }
}

TEST(Secrets, FindsSeveralAndKeepsWhatIsBetween) {
  SecretMaker make(5);
  const std::string a = "AKIA" + make(kBase32, 16);
  const std::string b = "ghp_" + make(kBase62, 36);
  EXPECT_EQ(scrub_secrets(a + " and " + b),
            "«REDACTED:aws_access_key» and «REDACTED:github_token»");
}

// What code is full of and is nobody's secret.
TEST(Secrets, LeavesOrdinaryTextAlone) {
  const std::vector<std::string> lines{
      "AKIAIOSFODNN7EXAMPLE",
      "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
      "password = os.environ['DB_PASSWORD']",
      "password = get_password(user_id2)",
      "password: '********'",
      "password=\"changeme123\"",
      "\"password\": \"Password\"",
      "api_key = '<your-api-key-1-here>'",
      "api_key = \"${API_KEY_2}\"",
      "token = 'xxxxxxxxxxxxxxxxxxxxxxxxxxxx'",
      "token: {{ secrets.GITHUB_TOKEN_1 }}",
      "auto token = parser.next_token2(stream1);",
      "const secretKeyName = 'stripe-secret-key-name-for-test';",
      "key = \"content-type-of-the-request-body\"",
      "key: 'a-fairly-long-css-class-name-2'",
      "class=\"sk-cube-grid sk-cube1 sk-circle-fade-dot-container-large\"",
      "https://example.com:8080/path?token=abc",
      "http://user@host/",
      "postgres://user:${PASSWORD}@localhost/db",
      "postgres://user:<password>@localhost/db",
      "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
      "uuid = \"123e4567-e89b-12d3-a456-426614174000\"",
      "if (line == \"-----BEGIN PRIVATE KEY-----\") return parse(rest);",
      std::string("-----BEGIN ") + "PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n",
      "std::string token = to_string(current_token_index1) + suffix2;",
      "tokens = tokenizer.encode(\"hello world 1 2 3\")",
      "auth_header = \"Authorization: Bearer \" + token",
      "export TOKEN=$(cat token.txt)",
      "SECRET_KEY_BASE: <%= ENV['SECRET_KEY_BASE'] %>",
      "public_key_fingerprint = calculate_fingerprint_of_key_v2",
      "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4",
      "keys = ['alpha', 'beta', 'gamma']",
      "import { tokenSelector1, tokenSelector2 } from './token-selectors-v2';",
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE3zR0p bob@host",
      "«REDACTED:aws_access_key»",
      "",
  };
  for (const std::string& line : lines) {
    EXPECT_EQ(scan_secrets(line), std::vector<SecretHit>{}) << line;
    EXPECT_EQ(scrub_secrets(line), line);
  }
}

// Every source of this repository is ordinary text too, tests of secrets apart.
TEST(Secrets, LeavesThisRepositoryAlone) {
  namespace fs = std::filesystem;
  std::size_t files = 0;
  for (const char* folder : {"schema", "lsp", "agent", "collector", "trainer", "tests"})
    for (const auto& entry :
         fs::recursive_directory_iterator(fs::path(STROP_SOURCE_DIR) / folder)) {
      const std::string extension = entry.path().extension();
      if (!entry.is_regular_file() ||
          (extension != ".cpp" && extension != ".h" && extension != ".md" && extension != ".txt"))
        continue;
      std::ostringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      for (const SecretHit& hit : scan_secrets(text.str()))
        ADD_FAILURE() << entry.path() << ": " << hit.rule << ": "
                      << text.str().substr(hit.begin, hit.end - hit.begin);
      ++files;
    }
  EXPECT_GT(files, 50u);
}

TEST(Secrets, TakesAnyBytes) {
  std::mt19937 random(11);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    const std::size_t size = random() % 200;
    while (text.size() < size)
      text += random() % 4 == 0 ? std::string("-----BEGIN PRIVATE KEY-----")
                                : std::string(1, static_cast<char>(random()));
    std::size_t last = 0;
    for (const SecretHit& hit : scan_secrets(text)) {
      EXPECT_LE(last, hit.begin);
      EXPECT_LT(hit.begin, hit.end);
      EXPECT_LE(hit.end, text.size());
      last = hit.end;
    }
  }
}

TEST(Secrets, EveryRuleHasItsOwnName) {
  const auto names = secret_rules();
  EXPECT_GT(names.size(), 50u);
  for (const std::string_view name : names)
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"),
              std::string_view::npos)
        << name;
}

}  // namespace
}  // namespace strop::schema
