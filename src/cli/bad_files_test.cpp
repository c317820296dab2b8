// Models, tokenizers and settings that are cut off, changed at random, or made to do harm: one
// error that names the file, never a crash, a hang, or memory that the file does not justify.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "base/rng.h"
#include "cli/model_options.h"
#include "cli/program_testing.h"
#include "formats/gguf_testing.h"

namespace sputnik::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kF32 = 0, kIq2Xxs = 16;

std::size_t random_below(Rng& rng, std::size_t n) {
  return static_cast<std::size_t>(rng.uniform() * static_cast<double>(n));
}

// A file that is changed where it lies, and made whole again.
class Victim {
 public:
  explicit Victim(fs::path path) : path_(std::move(path)), whole_(read_file(path_).value()) {}

  std::size_t size() const { return whole_.size(); }
  const fs::path& path() const { return path_; }
  void cut(std::size_t size) const { fs::resize_file(path_, size); }
  void flip(std::size_t bit) const {
    const char changed = static_cast<char>(whole_[bit / 8] ^ (1 << bit % 8));
    overwrite(bit / 8, {&changed, 1});
  }
  void restore() const {
    fs::resize_file(path_, size());
    overwrite(0, whole_);
  }
  void restore_bit(std::size_t bit) const { overwrite(bit / 8, {&whole_[bit / 8], 1}); }

 private:
  void overwrite(std::size_t offset, std::string_view bytes) const {
    const int fd = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    EXPECT_EQ(::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)),
              static_cast<ssize_t>(bytes.size()));
    ::close(fd);
  }

  fs::path path_;
  std::string whole_;
};

// One line that says which file.
void expect_good_error(const Error& error, const fs::path& model) {
  EXPECT_EQ(error.message.find('\n'), std::string::npos) << error.message;
  EXPECT_LT(error.message.size(), 1000u) << error.message;
  const fs::path folder = fs::is_directory(model) ? model : model.parent_path();
  EXPECT_NE(error.message.find(folder.string()), std::string::npos) << error.message;
}

// Everything that chat does with a model's files. False: refused.
bool use(const fs::path& path) {
  auto tokenizer = load_tokenizer(path);
  if (!tokenizer.ok()) {
    expect_good_error(tokenizer.error(), path);
  } else {
    const auto ids = tokenizer.value().encode("Once <s> upon é\xff", {.parse_special = true});
    (void)tokenizer.value().decode(ids);
    const auto found = find_template("", tokenizer.value(), path);
    if (!found.ok()) {
      EXPECT_EQ(found.error().message.find('\n'), std::string::npos);
    }
  }
  auto loaded = load_model(path);
  if (!loaded.ok()) {
    expect_good_error(loaded.error(), path);
    return false;
  }
  EngineOptions options;
  options.n_threads = 1;
  options.context_length = 64;
  const auto engine = Engine::create(*loaded.value().model, options);
  if (!engine.ok()) return false;
  GenerationRequest request;
  request.prompt = {0};
  request.max_tokens = 2;
  request.sampling.top_p = 0.9f;  // numbers may have become infinite, or none
  if (!engine.value()->add(request).ok()) return false;
  while (!engine.value()->idle()) (void)engine.value()->step();
  return tokenizer.ok();
}

// What a model's files are cut and changed to.
struct Attack {
  int n_cuts = 0, n_flips = 0;
  std::size_t within = SIZE_MAX;  // flips in the first so many bytes only: weights may be anything
};

void attack(const fs::path& model, const fs::path& file, const Attack& a) {
  SCOPED_TRACE(file.filename().string());
  const Victim victim(file);
  ASSERT_TRUE(use(model));
  Rng rng(17);
  for (int i = 0; i < a.n_cuts; ++i) {
    // Half of them at the beginning, where the structure is.
    const std::size_t size =
        random_below(rng, std::min(victim.size(), i % 2 == 0 ? a.within : SIZE_MAX));
    SCOPED_TRACE(fmt::format("cut to {} bytes", size));
    victim.cut(size);
    EXPECT_FALSE(use(model));
    victim.restore();
  }
  for (int i = 0; i < a.n_flips; ++i) {
    const std::size_t bit = random_below(rng, 8 * std::min(victim.size(), a.within));
    SCOPED_TRACE(fmt::format("bit {} flipped", bit));
    victim.flip(bit);
    (void)use(model);
    victim.restore_bit(bit);
  }
  EXPECT_TRUE(use(model));
}

fs::path copy_folder(const TestFolder& folder, const char* model) {
  const fs::path to = folder.path() / "model";
  fs::copy(golden(model), to);
  return to;
}

TEST(BadFiles, GgufIsRefusedOrHarmless) {
  const TestFolder folder;
  const fs::path shipped = folder.path() / "model.gguf";
  fs::copy(stories_model(), shipped);
  attack(shipped, shipped, {60, 600, 16000});
}

TEST(BadFiles, GgufOfExpertsIsRefusedOrHarmless) {
  const TestFolder folder;
  const fs::path experts = folder.path() / "experts.gguf";
  fs::copy(golden("gguf/deepseek-v3-tiny/model-mla-q8_0.gguf"), experts);
  attack(experts, experts, {60, 600, 16000});
  attack(experts, experts, {0, 60});
}

TEST(BadFiles, SafetensorsAreRefusedOrHarmless) {
  const TestFolder folder;
  const fs::path model = copy_folder(folder, "deepseek-v3-fp8-tiny");
  attack(model, model / "model.safetensors", {40, 400, 12000});
}

TEST(BadFiles, ShardsAreRefusedOrHarmless) {
  const TestFolder folder;
  const fs::path model = copy_folder(folder, "qwen2-tied-tiny/sharded");
  attack(model, model / "model.safetensors.index.json", {40, 400});
  attack(model, model / "model-00002-of-00003.safetensors", {20, 100, 2000});
}

TEST(BadFiles, SettingsAreRefusedOrHarmless) {
  for (const char* name : {"deepseek-v3-tiny", "llama3-tiny"}) {
    const TestFolder folder;
    const fs::path model = copy_folder(folder, name);
    attack(model, model / "config.json", {40, 500});
    attack(model, model / "tokenizer.json", {40, 200});
  }
}

// What a person sees of some of it. A gigabyte of address space is far more than these files
// justify; a program that wants more is out of memory, which names no file.
TEST(BadFiles, GetOneLineThatNamesTheFile) {
  const TestFolder folder;
  const fs::path path = folder.path() / "model.gguf";
  fs::copy(stories_model(), path);
  const Victim victim(path);
  Rng rng(3);
  for (int i = 0; i < 24; ++i) {
    const std::size_t size = random_below(rng, i % 2 == 0 ? 16000 : victim.size());
    SCOPED_TRACE(fmt::format("cut to {} bytes", size));
    victim.cut(size);
    EXPECT_TRUE(fails_with(
        run_program({"generate", "--model", path.string(), "--prompt", "a"}, "", {1 << 30}),
        {path.string() + ": "}));
    victim.restore();
  }
}

struct BadModel {
  std::string what;
  std::function<fs::path(const fs::path& folder)> make;
  std::vector<std::string_view> parts;  // of the error
};

fs::path write_file(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

fs::path write_gguf(const fs::path& path, const GgufWriter& writer) {
  const Bytes bytes = writer.bytes();
  return write_file(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

GgufWriter gguf_of(std::string_view architecture) {
  GgufWriter writer;
  writer.add_string("general.architecture", architecture);
  return writer;
}

GgufWriter llama(std::uint32_t hidden_size, std::uint32_t context = 4096) {
  GgufWriter writer = gguf_of("llama");
  writer.add_u32("llama.block_count", 1)
      .add_u32("llama.context_length", context)
      .add_u32("llama.embedding_length", hidden_size)
      .add_u32("llama.feed_forward_length", hidden_size)
      .add_u32("llama.attention.head_count", 1)
      .add_f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  return writer;
}

// The tensors of one layer, behind each other, their data not written.
void add_llama_tensors(GgufWriter& writer, std::uint64_t vocab_size, std::uint64_t hidden_size) {
  std::uint64_t offset = 0;
  const auto add = [&](std::string_view name, std::vector<std::uint64_t> shape) {
    writer.add_tensor_at(name, shape, kF32, offset);
    std::uint64_t n = 4;
    for (const std::uint64_t size : shape) n *= size;
    offset += n;
  };
  add("token_embd.weight", {vocab_size, hidden_size});
  for (const char* name : {"output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"})
    add(fmt::format("{}.weight", name), {hidden_size});
  for (const char* name :
       {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"})
    add(fmt::format("blk.0.{}.weight", name), {hidden_size, hidden_size});
}

void copy_files(const char* model, const fs::path& folder) {
  fs::copy(golden(model), folder, fs::copy_options::recursive);
}

fs::path config_with(const fs::path& folder, const char* from, const char* to) {
  copy_files("qwen2-tiny", folder);
  std::string config = read_file(folder / "config.json").value();
  config.replace(config.find(from), std::strlen(from), to);
  write_file(folder / "config.json", config);
  return folder;
}

const std::vector<BadModel>& bad_models() {
  static const std::vector<BadModel> all = {
      {"nothing",
       [](const auto& dir) { return dir / "none.gguf"; },
       {"none.gguf: No such file or directory"}},
      {"an empty file",
       [](const auto& dir) { return write_file(dir / "m.gguf", ""); },
       {"m.gguf: not a GGUF file"}},
      {"a text",
       [](const auto& dir) { return write_file(dir / "m.gguf", "Hello, world"); },
       {"m.gguf: not a GGUF file"}},
      {"version 1",
       [](const auto& dir) { return write_gguf(dir / "m.gguf", GgufWriter(1)); },
       {"m.gguf: GGUF version 1 is not read"}},
      {"a header that promises too much",
       [](const auto& dir) {
         return write_file(dir / "m.gguf",
                           std::string_view("GGUF\3\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f"
                                            "\xff\xff\xff\xff\xff\xff\xff\x7f",
                                            24));
       },
       {"m.gguf: ", "cannot fit"}},
      {"an architecture of others",
       [](const auto& dir) { return write_gguf(dir / "m.gguf", gguf_of("mamba")); },
       {"m.gguf: architecture \"mamba\" is not supported; supported are llama"}},
      {"a type of others",
       [](const auto& dir) {
         GgufWriter writer = llama(256);
         writer.add_tensor("token_embd.weight", {1, 256}, kIq2Xxs, Bytes(66));
         return write_gguf(dir / "m.gguf", writer);
       },
       {"m.gguf: tensor token_embd.weight has type IQ2_XXS, which is not supported; supported: "}},
      {"no weights",
       [](const auto& dir) { return write_gguf(dir / "m.gguf", llama(256)); },
       {"m.gguf: ", "is missing"}},
      {"an empty folder",
       [](const auto& dir) { return dir; },
       {"there is no config.json in this folder; a model is a GGUF file, or a folder with"}},
      {"a folder without weights",
       [](const auto& dir) {
         fs::copy(golden("qwen2-tiny/config.json"), dir);
         return dir;
       },
       {"model.safetensors: No such file or directory"}},
      {"settings that are not JSON",
       [](const auto& dir) { return config_with(dir, "{", "["); },
       {"config.json: malformed JSON at line 2, column "}},
      {"a model type of others",
       [](const auto& dir) { return config_with(dir, "\"qwen2\"", "\"bert\""); },
       {"/config.json: model_type \"bert\" is not supported; supported are deepseek_v3"}},
      {"sizes that do not agree",
       [](const auto& dir) { return config_with(dir, "\"vocab_size\": ", "\"vocab_size\": 1"); },
       {": tensor model.embed_tokens.weight has shape ["}},
      {"a size that cannot be",
       [](const auto& dir) { return config_with(dir, "\"hidden_size\": ", "\"hidden_size\": 1"); },
       {"/config.json: hidden_size 196 is no multiple of num_attention_heads 6"}},
      {"a key without a value",
       [](const auto& dir) { return config_with(dir, "\"hidden_size\"", "\"hidden\""); },
       {"/config.json: hidden_size is missing"}},
      {"metadata that are not there",
       [](const auto& dir) { return write_gguf(dir / "m.gguf", gguf_of("llama")); },
       {"m.gguf: metadata: ", " is missing"}},
      {"weights that are none",
       [](const auto& dir) {
         config_with(dir, "{", "{");
         write_file(dir / "model.safetensors", "Hello, world, how are you?");
         return dir;
       },
       {"model.safetensors: a header of ", "not a safetensors file?"}},
      {"a missing shard",
       [](const auto& dir) {
         copy_files("qwen2-tied-tiny/sharded", dir);
         fs::remove(dir / "model-00002-of-00003.safetensors");
         return dir;
       },
       {"model-00002-of-00003.safetensors: No such file or directory"}},
      {"a pipe that nobody writes to",
       [](const auto& dir) {
         EXPECT_EQ(::mkfifo((dir / "m.gguf").c_str(), 0600), 0);
         return dir / "m.gguf";
       },
       {"m.gguf: is not a regular file"}},
  };
  return all;
}

TEST(BadFiles, AreRefusedWithTheReason) {
  for (const BadModel& bad : bad_models()) {
    SCOPED_TRACE(bad.what);
    const TestFolder folder;
    const fs::path path = bad.make(folder.path());
    const auto tokens = folder.write("tokens.json", "[1]");
    EXPECT_TRUE(fails_with(run_program({"show", path.string()}, "", {1 << 30}), bad.parts));
    EXPECT_TRUE(
        fails_with(run_program({"logits", "--model", path.string(), "--tokens", tokens.string(),
                                "--output", (folder.path() / "logits").string()}),
                   bad.parts));
    EXPECT_TRUE(fails_with(
        run_program({"chat", path.string(), "--tokenizer", golden("qwen2-tiny").string()},
                    "Hello\n"),
        {": "}));
  }
}

TEST(BadFiles, OfTokenizersAreRefusedWithTheReason) {
  const TestFolder folder;
  const auto tokenize = [&](std::string_view text) {
    const auto path = folder.write("tokenizer.json", text);
    return run_program({"tokenize", "--model", path.string(), "a"}, "", {1 << 30});
  };
  EXPECT_TRUE(fails_with(tokenize(""), {"tokenizer.json: not JSON"}));
  EXPECT_TRUE(fails_with(tokenize("{}"), {"tokenizer.json: model is missing"}));
  EXPECT_TRUE(fails_with(tokenize(R"({"model":{"type":"Unigram"}})"),
                         {"tokenizer.json: model: type \"Unigram\": only BPE is read"}));
  EXPECT_TRUE(fails_with(tokenize(R"({"model":{"vocab":{"a":4000000000},"merges":[]}})"),
                         {"tokenizer.json: model.vocab[\"a\"] is not an id"}));
  EXPECT_TRUE(fails_with(tokenize(R"({"model":{"vocab":{"a":2000000000},"merges":[]}})"),
                         {"tokenizer.json: model: vocab[\"a\"] is 2000000000"}));
  EXPECT_TRUE(fails_with(tokenize(std::string(100000, '[')), {"tokenizer.json: nested deeper"}));
  EXPECT_TRUE(fails_with(run_program({"tokenize", "--model", folder.path().string() + "/x", "a"}),
                         {"x: No such file or directory"}));
}

// A terabyte of zeros: the file is there, so it may be mapped, but not run.
TEST(BadFiles, ThatAreTooBigForTheMachineSayWhatTheyNeed) {
  constexpr std::uint64_t kHidden = 1 << 16, kVocab = 1 << 22;
  const TestFolder folder;
  GgufWriter writer = llama(kHidden);
  add_llama_tensors(writer, kVocab, kHidden);
  const fs::path path = write_gguf(folder.path() / "big.gguf", writer);
  std::error_code error;
  fs::resize_file(path, (kVocab + 8 * kHidden) * kHidden * 4, error);
  if (error) GTEST_SKIP() << "files of a terabyte are not possible here: " << error.message();
  const auto tokenizer = stories_model().string();
  for (const Arguments& arguments :
       {Arguments{"generate", "--model", path.string(), "--tokenizer", tokenizer, "--prompt", "a"},
        Arguments{"bench", "--model", path.string()},
        Arguments{"chat", path.string(), "--tokenizer", tokenizer, "--template", "none"}}) {
    EXPECT_TRUE(fails_with(run_program(arguments), {"the model needs 12", " GB of memory (",
                                                    " for its weights", " GB are available"}));
  }
  EXPECT_EQ(run_for_json({"show", path.string(), "--json"})["name"], "big");
}

// A context that the model claims is no reason to take memory for it.
TEST(BadFiles, ThatClaimAHugeContextCanBeUsedWithASmallOne) {
  const TestFolder folder;
  GgufWriter writer = llama(256, 1u << 31);
  add_llama_tensors(writer, 512, 256);
  const fs::path path = write_gguf(folder.path() / "long.gguf", writer);
  fs::resize_file(path, fs::file_size(path) + (512 + 8 * 256) * 256 * 4);
  const Arguments generate = {"generate",
                              "--model",
                              path.string(),
                              "--tokenizer",
                              stories_model().string(),
                              "--prompt",
                              "a",
                              "--max-tokens",
                              "1"};
  EXPECT_EQ(run_program(generate).status, 0);
  Arguments all = generate;
  all.insert(all.end(), {"--context", "16777216"});
  EXPECT_TRUE(fails_with(run_program(all), {"the cache of 16777216 tokens", "available"}));
}

}  // namespace
}  // namespace sputnik::cli
