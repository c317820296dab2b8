// TLS, with a certificate that the test makes itself.
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "server/socket_testing.h"

namespace sputnik::server {
namespace {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Deleter<Free>>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;

Key write_key(const std::filesystem::path& file) {
  Key key(EVP_EC_gen("P-256"));
  const Owned<BIO, BIO_free_all> out(BIO_new_file(file.c_str(), "w"));
  EXPECT_EQ(PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr),
            1);
  return key;
}

void write_certificate(const std::filesystem::path& file, EVP_PKEY* key) {
  const Owned<X509, X509_free> certificate(X509_new());
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_sign(certificate.get(), key, EVP_sha256());
  const Owned<BIO, BIO_free_all> out(BIO_new_file(file.c_str(), "w"));
  EXPECT_EQ(PEM_write_bio_X509(out.get(), certificate.get()), 1);
}

class HttpTlsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "tls-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    options_.tls_certificate = folder_ / "certificate.pem";
    options_.tls_key = folder_ / "key.pem";
    write_certificate(options_.tls_certificate, write_key(options_.tls_key).get());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string start_fails() {
    HttpServer server(options_, {.handle = [](const HttpRequest&) { return Reply(); }});
    const auto started = server.start();
    EXPECT_FALSE(started.ok());
    return started.ok() ? "" : started.error().message;
  }

  std::filesystem::path folder_;
  HttpServerOptions options_;
};

// A client over OpenSSL's own sockets.
class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, int version = 0)
      : context_(SSL_CTX_new(TLS_client_method())) {
    if (version != 0) {
      SSL_CTX_set_security_level(context_.get(), 0);
      SSL_CTX_set_min_proto_version(context_.get(), version);
      SSL_CTX_set_max_proto_version(context_.get(), version);
    }
    bio_.reset(BIO_new_ssl_connect(context_.get()));
    BIO_set_conn_hostname(bio_.get(), ("127.0.0.1:" + std::to_string(port)).c_str());
    connected_ = BIO_do_connect(bio_.get()) == 1 && BIO_do_handshake(bio_.get()) == 1;
    ERR_clear_error();
  }
  bool connected() const { return connected_; }
  bool send(std::string_view text) {
    return BIO_write(bio_.get(), text.data(), static_cast<int>(text.size())) ==
           static_cast<int>(text.size());
  }
  std::string read_until(std::string_view mark) {
    std::string all;
    char bytes[4096];
    while (all.find(mark) == std::string::npos) {
      const int n = BIO_read(bio_.get(), bytes, sizeof bytes);
      if (n <= 0) break;
      all.append(bytes, static_cast<std::size_t>(n));
    }
    return all;
  }
  // Whether the end was said (close_notify) rather than cut off.
  bool ends_cleanly() {
    char byte;
    const int n = BIO_read(bio_.get(), &byte, 1);
    SSL* ssl = nullptr;
    BIO_get_ssl(bio_.get(), &ssl);
    return n <= 0 && (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
  }

 private:
  Owned<SSL_CTX, SSL_CTX_free> context_;
  Owned<BIO, BIO_free_all> bio_;
  bool connected_ = false;
};

TEST_F(HttpTlsTest, RequestsAndStreamsWorkAsWithoutIt) {
  ScriptedSource script;
  TestServer server(
      [&](const HttpRequest& request) {
        Reply reply;
        reply.body = "plain " + request.body;
        if (request.path == "/stream") reply.source = script.source();
        if (request.path == "/stream") reply.body.clear();
        return reply;
      },
      options_);
  TlsClient client(server.port());
  ASSERT_TRUE(client.connected());
  client.send(post("/", std::string(100'000, 'x')));
  EXPECT_NE(client.read_until(std::string(100'000, 'x')).find("plain xxx"), std::string::npos);
  client.send(get("/stream", "Connection: close\r\n"));
  script.say("one");
  EXPECT_NE(client.read_until("one\r\n").find("3\r\none\r\n"), std::string::npos);
  script.say("two");
  script.end();
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "3\r\ntwo\r\n0\r\n\r\n");
  EXPECT_TRUE(client.ends_cleanly());
}

TEST_F(HttpTlsTest, AClientThatLeavesEndsItsSource) {
  ScriptedSource script;
  TestServer server(
      [&](const HttpRequest&) {
        Reply reply;
        reply.source = script.source();
        return reply;
      },
      options_);
  {
    TlsClient client(server.port());
    client.send(get("/"));
    ASSERT_TRUE(script.wait_until_polled());
  }
  EXPECT_TRUE(script.wait_until_destroyed());
}

TEST_F(HttpTlsTest, OldVersionsAreRefused) {
  TestServer server([](const HttpRequest&) { return Reply(); }, options_);
  EXPECT_FALSE(TlsClient(server.port(), TLS1_1_VERSION).connected());
  EXPECT_TRUE(TlsClient(server.port(), TLS1_2_VERSION).connected());
  EXPECT_TRUE(TlsClient(server.port(), TLS1_3_VERSION).connected());
}

TEST_F(HttpTlsTest, WhoDoesNotShakeHandsIsClosed) {
  options_.limits.handshake = std::chrono::milliseconds(50);
  TestServer server([](const HttpRequest&) { return Reply(); }, options_);
  TestClient silent(server.port());
  EXPECT_TRUE(silent.is_closed());
  TestClient plain(server.port());
  plain.send(get("/"));
  EXPECT_EQ(plain.read_to_end().find("HTTP"), std::string::npos);
}

TEST_F(HttpTlsTest, StoppingDoesNotWaitForAHandshake) {
  TestServer server([](const HttpRequest&) { return Reply(); }, options_);
  TestClient silent(server.port());
  server.server.stop(std::chrono::milliseconds(0));
  EXPECT_TRUE(silent.is_closed());
}

TEST_F(HttpTlsTest, ErrorsNameTheFile) {
  const std::string certificate = options_.tls_certificate, key = options_.tls_key;
  write_key(key);  // another one
  EXPECT_NE(start_fails().find(key + ": this is not the key of " + certificate), std::string::npos);
  std::ofstream(key) << "nonsense";
  EXPECT_TRUE(start_fails().starts_with(key + ": "));
  std::ofstream(certificate) << "nonsense";
  EXPECT_TRUE(start_fails().starts_with(certificate + ": "));
  std::filesystem::remove(certificate);
  EXPECT_TRUE(start_fails().starts_with(certificate + ": "));
  options_.tls_certificate.clear();
  EXPECT_NE(start_fails(), "");
}

}  // namespace
}  // namespace sputnik::server
