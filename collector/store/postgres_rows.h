// The rows of one stream: what stands there, what is taken out, and new ones in bulk.
//
// Within the caller's transaction, which holds the lock on the stream's row. One thread. Errors:
// libpqxx's.
#pragma once

#include <cstdint>
#include <pqxx/pqxx>

#include "collector/store/batch_plan.h"
#include "collector/store/postgres_array.h"

namespace strop::collector {

// Rows that cover numbers from first to last.
Standings read_standings(pqxx::transaction_base& work, std::int64_t stream, std::uint64_t first,
                         std::uint64_t last);

// Events and dead letters whose number is from first to last; how many there were.
std::uint64_t erase_rows(pqxx::transaction_base& work, std::int64_t stream, std::uint64_t first,
                         std::uint64_t last);

// Numbers first…last are accounted for after all: cuts them out of what is noted as lost.
void found_again(pqxx::transaction_base& work, std::int64_t stream, std::uint64_t first,
                 std::uint64_t last);

// Entries that wait to go in, all at once: nobody else can have rows in their place, and if
// somebody had, the unique index would fail the commit rather than drop one of the two.
class NewRows {
 public:
  void add(const PendingBatch& batch, const BatchPlan::Row& row, std::int64_t now_ms);
  void write(pqxx::transaction_base& work);

 private:
  struct Events {
    PostgresArray<std::int64_t> stream, seq, span;
    PostgresArray<Text> type;
    PostgresArray<Bytes> suggestion;
    PostgresArray<Text> contributor;
    PostgresArray<double> t_ms;
    PostgresArray<std::int64_t> received_ms;
    PostgresArray<Bytes> hash, payload;
  };
  struct DeadLetters {
    PostgresArray<std::int64_t> stream, seq, span;
    PostgresArray<Text> code;
    PostgresArray<Bytes> reason;
    PostgresArray<std::int64_t> received_ms;
    PostgresArray<Bytes> hash, payload;
  };
  Events events_;
  DeadLetters dead_;
};

}  // namespace strop::collector
