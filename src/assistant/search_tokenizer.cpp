#include "assistant/search_tokenizer.h"

#include <sqlite3.h>

#include <cstdint>
#include <memory>

namespace sputnik::assistant {
namespace {

using OnToken = int (*)(void*, int, const char*, int, int, int);

struct Tokenizer {
  fts5_tokenizer words;  // unicode61
  Fts5Tokenizer* words_state = nullptr;
};

struct Run {
  void* context;
  OnToken on_token;
  int begin;  // of this run within the text
};

int create(void* user, const char**, int, Fts5Tokenizer** out) {
  auto* api = static_cast<fts5_api*>(user);
  auto made = std::make_unique<Tokenizer>();
  void* words_user = nullptr;
  if (const int code = api->xFindTokenizer(api, "unicode61", &words_user, &made->words);
      code != SQLITE_OK)
    return code;
  const char* arguments[] = {"remove_diacritics", "2"};
  if (const int code = made->words.xCreate(words_user, arguments, 2, &made->words_state);
      code != SQLITE_OK)
    return code;
  *out = reinterpret_cast<Fts5Tokenizer*>(made.release());
  return SQLITE_OK;
}

void destroy(Fts5Tokenizer* state) {
  const std::unique_ptr<Tokenizer> tokenizer(reinterpret_cast<Tokenizer*>(state));
  tokenizer->words.xDelete(tokenizer->words_state);
}

// Bytes of a character that is a word by itself; 0: it is none, or none begins here.
int lone_character(const unsigned char* p, int left) {
  if (left < 3) return 0;
  std::uint32_t c = 0;
  int size = 0;
  if ((p[0] & 0xf0) == 0xe0) {
    c = std::uint32_t{p[0] & 0x0fu} << 12 | std::uint32_t{p[1] & 0x3fu} << 6 | (p[2] & 0x3fu);
    size = 3;
  } else if ((p[0] & 0xf8) == 0xf0 && left >= 4) {
    c = std::uint32_t{p[0] & 0x07u} << 18 | std::uint32_t{p[1] & 0x3fu} << 12 |
        std::uint32_t{p[2] & 0x3fu} << 6 | (p[3] & 0x3fu);
    size = 4;
  }
  const bool is_lone = (c >= 0x3040 && c <= 0x30ff) ||  // kana
                       (c >= 0x3400 && c <= 0x9fff) ||  // ideographs
                       (c >= 0xac00 && c <= 0xd7a3) ||  // hangul syllables
                       (c >= 0xf900 && c <= 0xfaff) ||  // compatibility ideographs
                       (c >= 0x20000 && c <= 0x323af);  // rare ideographs
  return is_lone ? size : 0;
}

int pass_on(void* context, int flags, const char* token, int size, int begin, int end) {
  const auto* run = static_cast<const Run*>(context);
  return run->on_token(run->context, flags, token, size, run->begin + begin, run->begin + end);
}

int tokenize(Fts5Tokenizer* state, void* context, int flags, const char* text, int size,
             OnToken on_token) {
  const auto* tokenizer = reinterpret_cast<const Tokenizer*>(state);
  int begin = 0;  // of the run of other text
  const auto end_run = [&](int end) {
    if (end == begin) return SQLITE_OK;
    Run run{context, on_token, begin};
    return tokenizer->words.xTokenize(tokenizer->words_state, &run, flags, text + begin,
                                      end - begin, pass_on);
  };
  for (int at = 0; at < size;) {
    const int lone = lone_character(reinterpret_cast<const unsigned char*>(text) + at, size - at);
    if (lone == 0) {
      ++at;
      continue;
    }
    if (const int code = end_run(at); code != SQLITE_OK) return code;
    if (const int code = on_token(context, 0, text + at, lone, at, at + lone); code != SQLITE_OK)
      return code;
    begin = at += lone;
  }
  return end_run(size);
}

}  // namespace

Result<void> add_search_tokenizer(sqlite3* database) {
  fts5_api* api = nullptr;
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database, "SELECT fts5(?1)", -1, &statement, nullptr) == SQLITE_OK) {
    (void)sqlite3_bind_pointer(statement, 1, static_cast<void*>(&api), "fts5_api_ptr", nullptr);
    (void)sqlite3_step(statement);
  }
  (void)sqlite3_finalize(statement);
  if (api == nullptr) return unsupported("this SQLite was built without FTS5");
  fts5_tokenizer ours{create, destroy, tokenize};
  if (api->xCreateTokenizer(api, "sputnik", api, &ours, nullptr) != SQLITE_OK)
    return io_error("SQLite refuses a tokenizer");
  return ok_result();
}

}  // namespace sputnik::assistant
