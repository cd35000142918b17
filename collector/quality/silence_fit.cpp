#include "collector/quality/silence_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>

namespace strop::collector {
namespace {

using schema::OutcomeKind;
using schema::SilenceHead;

constexpr std::size_t kParts = 5;
constexpr std::size_t kTerms = SilenceHead::kFeatures + 1;  // and the bias, last
constexpr double kRidge = 1;           // pulls standardized weights to 0, as one more trial would
constexpr double kLanguagePrior = 20;  // so many trials of the average before a language counts
constexpr int kMostSteps = 50;
constexpr double kClose = 1e-9;

using Terms = std::array<double, kTerms>;
using Matrix = std::array<Terms, kTerms>;

double reward_of(const Trial& trial) {
  return trial.weight * (trial.taken ? schema::kTaken : schema::kNotTaken);
}

double score_of(const Trial& trial) {
  return schema::silence_score(trial.prospect.logprob, trial.prospect.chars);
}

double logit(double p) { return std::log(p / (1 - p)); }

// By Cholesky. REQUIRES: positive definite, which the ridge sees to.
Terms solve(Matrix a, Terms b) {
  for (std::size_t j = 0; j < kTerms; ++j) {
    for (std::size_t k = 0; k < j; ++k) a[j][j] -= a[j][k] * a[j][k];
    a[j][j] = std::sqrt(a[j][j]);
    for (std::size_t i = j + 1; i < kTerms; ++i) {
      for (std::size_t k = 0; k < j; ++k) a[i][j] -= a[i][k] * a[j][k];
      a[i][j] /= a[j][j];
    }
  }
  for (std::size_t i = 0; i < kTerms; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (std::size_t i = kTerms; i-- > 0;) {
    for (std::size_t k = i + 1; k < kTerms; ++k) b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
  return b;
}

// Rows of standardized features, and what became of them.
struct Regression {
  std::vector<Terms> rows;
  std::vector<double> taken;
  std::vector<double> weights;

  static double product(const Terms& a, const Terms& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  }

  // −log-likelihood, and the ridge's part.
  double loss(const Terms& beta) const {
    double sum = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double x = product(rows[i], beta);
      // ln(1 + e^x) without overflow, less x where it was taken.
      sum += weights[i] * (std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))) - taken[i] * x);
    }
    for (std::size_t j = 0; j + 1 < kTerms; ++j) sum += kRidge / 2 * beta[j] * beta[j];
    return sum;
  }

  // Newton's: the gradient is Xᵀw(p − y) + λβ, the Hessian Xᵀw p(1 − p) X + λ.
  Terms step(const Terms& beta) const {
    Terms gradient{};
    Matrix hessian{};
    for (std::size_t j = 0; j < kTerms; ++j) {
      const double ridge = j + 1 < kTerms ? kRidge : kClose;
      gradient[j] = j + 1 < kTerms ? kRidge * beta[j] : 0;
      hessian[j][j] = ridge;
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double p = 1 / (1 + std::exp(-product(rows[i], beta)));
      for (std::size_t j = 0; j < kTerms; ++j) {
        gradient[j] += weights[i] * (p - taken[i]) * rows[i][j];
        for (std::size_t k = 0; k < kTerms; ++k)
          hessian[j][k] += weights[i] * p * (1 - p) * rows[i][j] * rows[i][k];
      }
    }
    return solve(hessian, gradient);
  }

  Terms fit() const {
    Terms beta{};
    double now = loss(beta);
    for (int steps = 0; steps < kMostSteps; ++steps) {
      const Terms full = step(beta);
      double share = 1;
      Terms next = beta;
      double then = now;
      do {  // half of it where all of it leads up
        for (std::size_t j = 0; j < kTerms; ++j) next[j] = beta[j] - share * full[j];
        then = loss(next);
        share /= 2;
      } while (then > now && share > kClose);
      if (then > now - kClose) break;
      beta = next;
      now = then;
    }
    return beta;
  }
};

// How much more or less than all the trials of a language were taken, drawn towards all.
std::map<std::string, double> languages_of(const std::vector<Trial>& trials) {
  struct Count {
    double taken = 0;
    double all = 0;
  };
  std::map<std::string, Count> counts;
  Count total;
  for (const Trial& trial : trials) {
    for (Count* count : {&counts[trial.prospect.language], &total}) {
      count->all += trial.weight;
      count->taken += trial.taken ? trial.weight : 0;
    }
  }
  // Between 0 and 1 even if all or none were taken.
  const double rate = (total.taken + 0.5) / (total.all + 1);
  std::map<std::string, double> languages;
  for (const auto& [language, count] : counts)
    languages[language] =
        logit((count.taken + kLanguagePrior * rate) / (count.all + kLanguagePrior)) - logit(rate);
  return languages;
}

void standardize(SilenceHead& head, const std::vector<Trial>& trials) {
  double all = 0;
  for (const Trial& trial : trials) all += trial.weight;
  for (std::size_t j = 0; j < SilenceHead::kFeatures; ++j) {
    double sum = 0;
    double squares = 0;
    for (const Trial& trial : trials) {
      const double value = head.features(trial.prospect).at(j);
      sum += trial.weight * value;
      squares += trial.weight * value * value;
    }
    const double mean = sum / all;
    const double deviation = std::sqrt(std::max(0.0, squares / all - mean * mean));
    head.means.at(j) = mean;
    head.scales.at(j) = deviation > kClose ? deviation : 1;
  }
}

using Shows = std::function<bool(const Trial&)>;

// By which part each trial is left out: documents stay whole where there are enough of them.
std::vector<std::size_t> parts_of(const std::vector<Trial>& trials) {
  std::map<std::string, std::size_t> documents;
  for (const Trial& trial : trials) documents.try_emplace(trial.document, documents.size());
  std::vector<std::size_t> parts;
  for (std::size_t i = 0; i < trials.size(); ++i)
    parts.push_back((documents.size() < kParts ? i : documents.at(trials[i].document)) % kParts);
  return parts;
}

Expected expect(const std::vector<Trial>& trials,
                const std::function<Shows(const std::vector<Trial>&)>& fit) {
  const std::vector<std::size_t> parts = parts_of(trials);
  double all = 0;
  double shown = 0;
  double taken = 0;
  double reward = 0;
  for (std::size_t part = 0; part < kParts; ++part) {
    std::vector<Trial> others;
    for (std::size_t i = 0; i < trials.size(); ++i)
      if (parts[i] != part) others.push_back(trials[i]);
    if (others.empty()) continue;
    const Shows shows = fit(others);
    for (std::size_t i = 0; i < trials.size(); ++i) {
      if (parts[i] != part) continue;
      all += trials[i].weight;
      if (!shows(trials[i])) continue;
      shown += trials[i].weight;
      taken += trials[i].taken ? trials[i].weight : 0;
      reward += reward_of(trials[i]);
    }
  }
  if (all == 0) return {};
  return {shown / all, shown == 0 ? 0 : taken / shown, reward / all};
}

std::string missing(std::size_t trials, std::size_t taken, const SilenceNeeds& needs) {
  const auto less = [](std::size_t wanted, std::size_t had) {
    return wanted - std::min(wanted, had);
  };
  return std::to_string(trials) + " outcomes with log-probabilities, " + std::to_string(taken) +
         " of them taken; " + std::to_string(needs.trials) + " and " + std::to_string(needs.taken) +
         " are wanted: " + std::to_string(less(needs.trials, trials)) + " and " +
         std::to_string(less(needs.taken, taken)) + " are missing";
}

}  // namespace

std::optional<Trial> trial_of(const SuggestionHistory& history) {
  if (history.header.source != schema::Source::kInline || !history.offered || !history.outcome)
    return std::nullopt;
  const schema::Outcome& outcome = *history.outcome;
  if (outcome.outcome == OutcomeKind::kUnseen || outcome.outcome == OutcomeKind::kUnknown)
    return std::nullopt;
  const auto& candidates = history.offered->candidates;
  const auto it =
      std::find_if(candidates.begin(), candidates.end(),
                   [&](const schema::Candidate& one) { return one.rank == outcome.candidate; });
  if (it == candidates.end() || !it->logprob || it->text.empty()) return std::nullopt;
  Trial trial;
  trial.prospect =
      schema::prospect_of(*it->logprob, it->text, history.offered->prefix, history.header.language);
  trial.taken = outcome.outcome == OutcomeKind::kAccepted ||
                outcome.outcome == OutcomeKind::kPartial ||
                outcome.outcome == OutcomeKind::kTypedThrough;
  const auto let_through = it->propensity ? it->propensity : history.offered->propensity;
  const double propensity = let_through.value_or(1);
  if (!(propensity > 0 && propensity <= 1)) return std::nullopt;
  trial.weight = 1 / propensity;
  trial.document = history.header.repo.value_or("") + '\n' + history.header.uri;
  trial.model = history.offered->model;
  trial.t_ms = history.header.t_ms;
  return trial;
}

double fit_threshold(const std::vector<Trial>& trials) {
  std::vector<std::pair<double, double>> by_score;  // with what showing it brought
  for (const Trial& trial : trials) by_score.emplace_back(score_of(trial), reward_of(trial));
  std::sort(by_score.begin(), by_score.end(), [](const auto& a, const auto& b) { return a > b; });
  double best = 0;
  double threshold = by_score.front().first + 1;  // none
  double sum = 0;
  for (std::size_t i = 0; i < by_score.size(); ++i) {
    sum += by_score[i].second;
    const bool last = i + 1 == by_score.size();
    if (!last && by_score[i + 1].first == by_score[i].first) continue;
    if (sum <= best) continue;
    best = sum;
    threshold = last ? by_score[i].first : (by_score[i].first + by_score[i + 1].first) / 2;
  }
  return threshold;
}

SilenceHead fit_head(const std::vector<Trial>& trials) {
  SilenceHead head;
  head.languages = languages_of(trials);
  standardize(head, trials);
  Regression regression;
  for (const Trial& trial : trials) {
    const SilenceHead::Features features = head.features(trial.prospect);
    Terms row{};
    for (std::size_t j = 0; j < features.size(); ++j)
      row.at(j) = (features.at(j) - head.means.at(j)) / head.scales.at(j);
    row.back() = 1;
    regression.rows.push_back(row);
    regression.taken.push_back(trial.taken ? 1 : 0);
    regression.weights.push_back(trial.weight);
  }
  const Terms beta = regression.fit();
  std::copy_n(beta.begin(), head.weights.size(), head.weights.begin());
  head.bias = beta.back();
  return head;
}

tl::expected<Calibration, std::string> calibrate_silence(const std::vector<Trial>& trials,
                                                         const SilenceNeeds& needs) {
  Calibration out;
  out.trials = trials.size();
  for (const Trial& trial : trials) {
    out.taken += trial.taken ? 1 : 0;
    out.explored += trial.weight > 1 ? 1 : 0;
    ++out.models[trial.model];
    out.from_ms = out.from_ms == 0 ? trial.t_ms : std::min(out.from_ms, trial.t_ms);
    out.to_ms = std::max(out.to_ms, trial.t_ms);
  }
  if (trials.empty() || trials.size() < needs.trials || out.taken < needs.taken)
    return tl::unexpected(missing(out.trials, out.taken, needs));
  out.rule.threshold = fit_threshold(trials);
  out.rule.head = fit_head(trials);
  out.always =
      expect(trials, [](const auto&) -> Shows { return [](const Trial&) { return true; }; });
  out.threshold = expect(trials, [](const std::vector<Trial>& others) -> Shows {
    return [threshold = fit_threshold(others)](const Trial& trial) {
      return score_of(trial) >= threshold;
    };
  });
  out.head = expect(trials, [](const std::vector<Trial>& others) -> Shows {
    return [head = fit_head(others)](const Trial& trial) {
      return head.probability(trial.prospect) >= schema::kBreakEven;
    };
  });
  return out;
}

}  // namespace strop::collector
