// What the server asks of the machine behind it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/generation.h"
#include "service/request.h"

namespace sputnik::service {

// What a model really is.
struct ModelCard {
  std::string id;            // under which it is asked for
  std::string architecture;  // "deepseek_v3", "qwen2", ...
  std::string family;  // of its chat template: "r1", "r1-distill-qwen", ...; "none": a base model
  std::string quantization;  // "Q8_0": the type that holds most bytes
  std::int64_t n_parameters = 0, n_active_parameters = 0;
  std::int64_t file_bytes = 0, memory_bytes = 0;
  std::int64_t context_length = 0;    // tokens of prompt and answer
  std::int64_t embedding_length = 0;  // of a hidden state
  std::int64_t modified_s = 0;        // Unix time of the file
  std::string digest;                 // 64 hexadecimal digits, of what the file holds
  bool is_distill = false;            // learned from R1's answers, and is not R1
  bool thinks = false;                // has marks for thoughts
  bool can_turn_thinking_off = false;
  bool has_tools = false;  // its template has a place for tools
  bool has_fim = false;    // has tokens for filling in the middle
  std::string notice;      // what people should know before they trust it; may be empty
};

struct Embedding {
  std::vector<float> values;  // [embedding_length], unit length
  std::int64_t n_tokens = 0;
};

// Any thread may call any function.
class Service {
 public:
  virtual ~Service() = default;

  // The first is what a request gets that names none, or an alias such as "deepseek-reasoner".
  virtual std::vector<ModelCard> models() const = 0;
  // By its id, or by an alias that other programs use. kNotFound names what there is.
  virtual Result<ModelCard> model(std::string_view name) const = 0;

  // Checks the whole request, then queues it. kInvalidArgument: the message names the field, or
  // says the numbers of a context that does not fit. kNotFound: no such model. kUnsupported: the
  // model cannot do that. kExhausted: the queue is full; retry_after_s() says when to come again.
  virtual Result<std::shared_ptr<Generation>> generate(GenerateRequest request) = 0;
  // One that goes on, or ended not long ago. kNotFound.
  virtual Result<std::shared_ptr<Generation>> find(std::string_view id) const = 0;
  virtual int retry_after_s() const = 0;

  // Tokens of the prompt that a request would be.
  virtual Result<std::int64_t> count_tokens(const GenerateRequest& request) const = 0;
  // Mean of the last hidden states of all tokens, scaled to unit length.
  virtual Result<Embedding> embed(std::string_view text, std::string_view model) = 0;
};

}  // namespace sputnik::service
