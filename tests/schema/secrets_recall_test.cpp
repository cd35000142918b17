// How many of the secrets of all known kinds are found: tokens as their makers document them, in
// code and configuration as people write it.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "schema/secrets.h"
#include "secrets_maker.h"

namespace strop::schema {
namespace {

using Make = std::function<std::string(SecretMaker&)>;

struct Kind {
  std::string name;
  Make make;
  // Names that stand before it where the form alone does not tell; empty: any place does.
  std::vector<std::string> names;
};

// What stands around a token. %N: a name, %S: the secret.
constexpr std::array kAnywhere{"%N = \"%S\"", "%N: '%S',",        "export %N=%S\n",
                               "  f(\"%S\")", "curl -H '%N: %S'", "{\"%N\": \"%S\"}"};
constexpr std::array kNamed{"%N = \"%S\"", "%N=%S\n", "{\"%N\": \"%S\"}", "%N: \"%S\",\n"};

std::string filled(std::string form, const std::string& name, const std::string& secret) {
  form.replace(form.find("%S"), 2, secret);
  if (const std::size_t at = form.find("%N"); at != std::string::npos) form.replace(at, 2, name);
  return form;
}

// A token that begins with this, and so much of the alphabet behind.
Make behind(const std::string& begin, std::string_view alphabet, std::size_t size,
            const std::string& end = "") {
  return [=](SecretMaker& make) { return begin + make(alphabet, size) + end; };
}

std::vector<Kind> clouds() {
  return {
      {"AWS access key", behind("AKIA", kBase32, 16), {}},
      {"AWS temporary key", behind("ASIA", kBase32, 16), {}},
      {"AWS secret key",
       behind("", kBase64, 40),
       {"aws_secret_access_key", "AWS_SECRET_ACCESS_KEY"}},
      {"AWS session token", behind("IQoJ", kBase64, 300, "=="), {"aws_session_token"}},
      {"AWS Bedrock key", behind("ABSK", kBase64, 128), {}},
      {"Azure storage key", behind("", kBase64, 86, "=="), {"x;AccountKey"}},
      {"Azure client secret",
       [](SecretMaker& make) { return make(kBase62, 3) + "8Q~" + make(kBase62, 34); },
       {}},
      {"Azure DevOps token",
       [](SecretMaker& make) { return make(kBase62, 76) + "AZDO" + make(kBase62, 4); },
       {}},
      {"Google API key", behind("AIza", kBase62, 35), {}},
      {"Google OAuth secret", behind("GOCSPX-", kBase62, 28), {}},
      {"Google OAuth token", behind("ya29.", kBase62, 150), {}},
      {"Google key id", behind("", kHex, 40), {"private_key_id"}},
      {"Firebase server key",
       [](SecretMaker& make) { return "AAAA" + make(kBase62, 7) + ":APA91b" + make(kBase62, 134); },
       {}},
      {"DigitalOcean token", behind("dop_v1_", kHex, 64), {}},
      {"Alibaba key", behind("LTAI", kBase62, 20), {}},
      {"Fly token", behind("fo1_", kBase62, 43), {}},
      {"Fly macaroon", behind("fm2_", kBase64, 160), {}},
      {"Fly macaroon of an older kind", behind("fm1r_", kBase64, 160), {}},
      {"Heroku key", [](SecretMaker& make) { return make.uuid(); }, {"HEROKU_API_KEY"}},
      {"Heroku token", behind("HRKU-AA", kBase62, 58), {}},
      {"Netlify token", behind("nfp_", kBase62, 36), {}},
      {"Supabase key", behind("sbp_", kHex, 40), {}},
      {"PlanetScale password", behind("pscale_pw_", kBase62, 43), {}},
      {"Scaleway key", [](SecretMaker& make) { return make.uuid(); }, {"SCW_SECRET_KEY"}},
      {"Cloudflare token", behind("", kBase62, 40), {"CLOUDFLARE_API_TOKEN"}},
      {"Cloudflare origin key",
       [](SecretMaker& make) { return "v1.0-" + make(kHex, 24) + "-" + make(kHex, 146); },
       {}},
      {"OpenShift token", behind("sha256~", kBase62, 43), {}},
      {"Tailscale key",
       [](SecretMaker& make) {
         return "tskey-auth-" + make(kBase62, 16) + "-" + make(kBase62, 32);
       },
       {}},
      {"Vercel token", behind("", kBase62, 24), {"VERCEL_TOKEN"}},
      {"Yandex key", behind("AQVN", kBase62, 36), {}},
  };
}

std::vector<Kind> forges() {
  return {
      {"GitHub personal token", behind("ghp_", kBase62, 36), {}},
      {"GitHub OAuth token", behind("gho_", kBase62, 36), {}},
      {"GitHub user token", behind("ghu_", kBase62, 36), {}},
      {"GitHub server token", behind("ghs_", kBase62, 36), {}},
      {"GitHub refresh token", behind("ghr_", kBase62, 76), {}},
      {"GitHub fine-grained token",
       [](SecretMaker& make) {
         return "github_pat_" + make(kBase62, 22) + "_" + make(kBase62, 59);
       },
       {}},
      {"GitLab token", behind("glpat-", kBase62, 20), {}},
      {"GitLab runner token", behind("glrt-", kBase62, 20), {}},
      {"Bitbucket token", behind("ATBB", kBase62, 32), {}},
      {"Atlassian token", behind("ATATT3", kBase62, 186), {}},
      {"Jira token", behind("", kBase62, 24), {"JIRA_API_TOKEN"}},
      {"npm token", behind("npm_", kBase62, 36), {}},
      {"PyPI token", behind("pypi-AgEIcHlwaS5vcmc", kBase62, 120), {}},
      {"RubyGems token", behind("rubygems_", kHex, 48), {}},
      {"crates.io token", behind("cio", kBase62, 32), {}},
      {"NuGet key", behind("oy2", kLower36, 43), {}},
      {"Clojars token", behind("CLOJARS_", kLower36, 60), {}},
      {"Docker token", behind("dckr_pat_", kBase62, 27), {}},
      {"Vault token", behind("hvs.", kBase62, 90), {}},
      {"Vault batch token", behind("hvb.", kBase62, 140), {}},
      {"Terraform token",
       [](SecretMaker& make) { return make(kBase62, 14) + ".atlasv1." + make(kBase62, 67); },
       {}},
      {"Pulumi token", behind("pul-", kHex, 40), {}},
      {"Doppler token", behind("dp.pt.", kBase62, 43), {}},
      {"Artifactory key", behind("AKCp", kBase62, 69), {}},
      {"SonarQube token", behind("sqp_", kHex, 40), {}},
      {"Sourcegraph token", behind("sgp_", kHex, 40), {}},
      {"CircleCI token",
       [](SecretMaker& make) { return "CCIPAT_" + make(kBase62, 22) + "_" + make(kHex, 40); },
       {}},
      {"Buildkite token", behind("bkua_", kHex, 40), {}},
      {"Snyk token", [](SecretMaker& make) { return make.uuid(); }, {"SNYK_TOKEN"}},
      {"Octopus key", behind("API-", kUpper36, 26), {}},
      {"LaunchDarkly key", [](SecretMaker& make) { return "sdk-" + make.uuid(); }, {}},
      {"1Password token", behind("ops_eyJ", kBase62, 400), {}},
  };
}

std::vector<Kind> services() {
  return {
      {"Slack bot token",
       [](SecretMaker& make) {
         return "xoxb-" + make(kDigits, 12) + "-" + make(kDigits, 12) + "-" + make(kBase62, 24);
       },
       {}},
      {"Slack app token",
       [](SecretMaker& make) {
         return "xapp-1-A" + make(kUpper36, 10) + "-" + make(kDigits, 13) + "-" + make(kHex, 64);
       },
       {}},
      {"Slack webhook",
       [](SecretMaker& make) {
         return std::string("https://hooks.slack.") + "com/services/T" + make(kUpper36, 9) + "/B" +
                make(kUpper36, 9) + "/" + make(kBase62, 24);
       },
       {}},
      {"Discord webhook",
       [](SecretMaker& make) {
         return std::string("https://discord.") + "com/api/webhooks/" + make(kDigits, 18) + "/" +
                make(kBase62, 68);
       },
       {}},
      {"Discord token",
       [](SecretMaker& make) {
         return "M" + make(kBase62, 23) + "." + make(kBase62, 6) + "." + make(kBase62, 38);
       },
       {"DISCORD_TOKEN"}},
      {"Telegram token",
       [](SecretMaker& make) { return make(kDigits, 10) + ":AA" + make(kBase62, 33); },
       {}},
      {"Stripe key", behind("sk_live_", kBase62, 24), {}},
      {"Stripe restricted key", behind("rk_test_", kBase62, 99), {}},
      {"Square token", behind("sq0atp-", kBase62, 22), {}},
      {"Shopify token", behind("shpat_", kHex, 32), {}},
      {"Twilio key", behind("SK", kHex, 32), {}},
      {"Twilio auth token", behind("", kHex, 32), {"TWILIO_AUTH_TOKEN"}},
      {"SendGrid key",
       [](SecretMaker& make) { return "SG." + make(kBase62, 22) + "." + make(kBase62, 43); },
       {}},
      {"Mailgun key", behind("key-", kHex, 32), {}},
      {"Mailchimp key", behind("", kHex, 32, "-us12"), {}},
      {"New Relic key", behind("NRAK-", kUpper36, 27), {}},
      {"Grafana token",
       [](SecretMaker& make) { return "glsa_" + make(kBase62, 32) + "_" + make(kHex, 8); },
       {}},
      {"Sentry token", behind("sntrys_", kBase62, 140), {}},
      {"Sentry DSN",
       [](SecretMaker& make) {
         return "https://" + make(kHex, 32) + "@o" + make(kDigits, 6) + ".ingest.sentry.io/42";
       },
       {}},
      {"Datadog key", behind("", kHex, 32), {"DD_API_KEY", "datadog_api_key"}},
      {"Linear key", behind("lin_api_", kBase62, 40), {}},
      {"Notion token", behind("ntn_", kBase62, 46), {}},
      {"Notion secret", behind("secret_", kBase62, 43), {}},
      {"Figma token", behind("figd_", kBase62, 43), {}},
      {"Postman key",
       [](SecretMaker& make) { return "PMAK-" + make(kHex, 24) + "-" + make(kHex, 34); },
       {}},
      {"Braintree token",
       [](SecretMaker& make) {
         return "access_token$production$" + make(kLower36, 16) + "$" + make(kHex, 32);
       },
       {}},
      {"PayPal secret", behind("E", kBase62, 79), {"PAYPAL_CLIENT_SECRET"}},
      {"Facebook token", behind("EAA", kBase62, 170), {}},
      {"Facebook secret", behind("", kHex, 32), {"FACEBOOK_APP_SECRET"}},
      {"Twitter bearer token", behind(std::string(22, 'A'), kBase62, 80), {"bearer"}},
      {"Twitter access token",
       [](SecretMaker& make) { return "1" + make(kDigits, 17) + "-" + make(kBase62, 40); },
       {"TWITTER_ACCESS_TOKEN"}},
      {"Okta token", behind("00", kBase62, 40), {"OKTA_API_TOKEN"}},
      {"Auth0 secret", behind("", kBase62, 64), {"AUTH0_CLIENT_SECRET"}},
      {"Dropbox token", behind("sl.", kBase62, 140), {}},
      {"Airtable token",
       [](SecretMaker& make) { return "pat" + make(kBase62, 14) + "." + make(kHex, 64); },
       {}},
      {"HubSpot token", [](SecretMaker& make) { return "pat-na1-" + make.uuid(); }, {}},
      {"Plaid token", [](SecretMaker& make) { return "access-production-" + make.uuid(); }, {}},
      {"Dynatrace token",
       [](SecretMaker& make) { return "dt0c01." + make(kUpper36, 24) + "." + make(kUpper36, 64); },
       {}},
      {"Contentful token", behind("CFPAT-", kBase62, 43), {}},
      {"Brevo key",
       [](SecretMaker& make) { return "xkeysib-" + make(kHex, 64) + "-" + make(kBase62, 16); },
       {}},
  };
}

std::vector<Kind> models_and_others() {
  const auto pem = [](const std::string& what) {
    return [what](SecretMaker& make) {
      return "-----BEGIN " + what + "-----\n" + make.key_lines(6) + "-----END " + what + "-----";
    };
  };
  return {
      {"OpenAI key",
       [](SecretMaker& make) { return "sk-" + make(kBase62, 20) + "T3BlbkFJ" + make(kBase62, 20); },
       {}},
      {"OpenAI project key",
       [](SecretMaker& make) {
         return "sk-proj-" + make(kBase62, 74) + "T3BlbkFJ" + make(kBase62, 73);
       },
       {}},
      {"Anthropic key", behind("sk-ant-api03-", kBase62, 93, "AA"), {}},
      {"Hugging Face token", behind("hf_", kLetters, 34), {}},
      {"Replicate token", behind("r8_", kBase62, 37), {}},
      {"Groq key", behind("gsk_", kBase62, 52), {}},
      {"Perplexity key", behind("pplx-", kBase62, 48), {}},
      {"xAI key", behind("xai-", kBase62, 80), {}},
      {"NVIDIA key", behind("nvapi-", kBase62, 64), {}},
      {"LangSmith key",
       [](SecretMaker& make) { return "lsv2_pt_" + make(kHex, 32) + "_" + make(kHex, 10); },
       {}},
      {"Databricks token", behind("dapi", kHex, 32), {}},
      {"Weights & Biases key", behind("", kHex, 40), {"WANDB_API_KEY"}},
      {"JSON web token",
       [](SecretMaker& make) {
         return "eyJ" + make(kBase62, 33) + ".eyJ" + make(kBase62, 80) + "." + make(kBase62, 43);
       },
       {}},
      {"age key", behind("AGE-SECRET-KEY-1", kBase32, 58), {}},
      {"RSA key", pem(std::string("RSA PRIVATE ") + "KEY"), {}},
      {"SSH key", pem(std::string("OPENSSH PRIVATE ") + "KEY"), {}},
      {"PGP key", pem(std::string("PGP PRIVATE ") + "KEY BLOCK"), {}},
      {"PuTTY key",
       [](SecretMaker& make) { return make(kBase64, 64) + "\n" + make(kBase64, 40) + "\n"; },
       {"PuTTY"}},
      {"Password in a URL", behind("p4", kBase62, 14), {"URL"}},
      {"Password in a connection string", behind("p4", kBase62, 14), {"Connection"}},
      {"netrc password", behind("p4", kBase62, 14), {"netrc"}},
      {"pgpass password", behind("p4", kBase62, 14), {"pgpass"}},
      {"curl's password", behind("p4", kBase62, 14), {"curl"}},
      {"Password hash", behind("$2b$12$", kBase62, 53), {}},
      {"Bearer token", behind("", kBase62, 40), {"Bearer"}},
      {"Client secret", behind("", kBase62, 40), {"client_secret", "clientSecret"}},
      {"API key of anybody", behind("", kHex, 40), {"api_key", "SERVICE_API_KEY"}},
      {"Password in code", behind("S3!", kBase62, 12), {"password", "db_password"}},
  };
}

// The forms of those whose name tells how they are written.
std::vector<std::string> forms_of(const Kind& kind) {
  static const std::map<std::string, std::string> kOwn{
      {"PuTTY", "PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 2\n%S"},
      {"URL", "postgres://app:%S@db.internal:5432/app"},
      {"Connection", "Server=tcp:db;User ID=app;Password=%S;Encrypt=true"},
      {"netrc", "machine api.internal login bob password %S\n"},
      {"pgpass", "db.internal:5432:app:bob:%S\n"},
      {"curl", "curl -u bob:%S https://api.internal/"},
      {"Bearer", "headers = {'Authorization': 'Bearer %S'}"}};
  if (kind.names.size() == 1)
    if (const auto own = kOwn.find(kind.names.front()); own != kOwn.end()) return {own->second};
  if (kind.names.empty()) return {kAnywhere.begin(), kAnywhere.end()};
  return {kNamed.begin(), kNamed.end()};
}

TEST(SecretsRecall, IsAtLeast98InAHundred) {
  constexpr int kEach = 12;
  std::vector<Kind> kinds;
  for (const auto& some : {clouds(), forges(), services(), models_and_others()})
    kinds.insert(kinds.end(), some.begin(), some.end());
  int all = 0;
  int found = 0;
  std::string missed;
  SecretMaker make(20'26);
  for (const Kind& kind : kinds) {
    const std::vector<std::string> forms = forms_of(kind);
    int of_kind = 0;
    for (int i = 0; i < kEach; ++i) {
      const std::string secret = kind.make(make);
      const auto which = static_cast<std::size_t>(i);
      const std::string name = kind.names.empty() ? "value" : kind.names[which % kind.names.size()];
      const std::string text = "int before = 1;\n" +
                               filled(forms[which % forms.size()], name, secret) + "\nint after;\n";
      const std::string scrubbed = scrub_secrets(text);
      EXPECT_TRUE(scrubbed.starts_with("int before = 1;\n")) << kind.name << ": " << text;
      EXPECT_TRUE(scrubbed.ends_with("int after;\n")) << kind.name << ": " << text;
      // Not a piece of it that would serve to guess the rest.
      const std::string middle = secret.substr(secret.size() / 4, secret.size() / 2);
      const bool gone = scrubbed.find(middle) == std::string::npos;
      of_kind += gone ? 1 : 0;
      if (!gone) missed += kind.name + ": " + text + "\n";
      EXPECT_EQ(scrub_secrets(scrubbed), scrubbed) << kind.name;
    }
    EXPECT_GE(of_kind, kEach / 2) << kind.name << " is hardly found";
    all += kEach;
    found += of_kind;
  }
  std::cout << found << " of " << all << " secrets of " << kinds.size() << " kinds found\n"
            << missed;
  EXPECT_GE(kinds.size(), 60U);
  EXPECT_GE(all, 500);
  EXPECT_GE(found * 100, all * 98) << missed;
}

}  // namespace
}  // namespace strop::schema
