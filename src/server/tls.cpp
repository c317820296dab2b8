#include "server/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509err.h>

#include <filesystem>

#include "base/mapped_file.h"

namespace sputnik::server {
namespace {

namespace ssl = boost::asio::ssl;

constexpr std::size_t kMaxPemBytes = 1 << 20;

// No program asks at the terminal while it starts as a service.
int no_password(char*, int, int, void*) {
  return 0;
}

Error tls_error(const std::string& file, const boost::system::error_code& error) {
  return invalid_argument("{}: {}", file, error.message());
}

}  // namespace

Result<std::unique_ptr<ssl::context>> make_tls_context(const std::string& certificate,
                                                       const std::string& key) {
  if (certificate.empty()) return invalid_argument("a TLS key needs a certificate beside it");
  if (key.empty())
    return invalid_argument("{}: a TLS certificate needs a key beside it", certificate);
  SPUTNIK_TRY(const std::string chain, read_file(certificate, kMaxPemBytes));
  SPUTNIK_TRY(const std::string secret, read_file(key, kMaxPemBytes));

  auto context = std::make_unique<ssl::context>(ssl::context::tls_server);
  SSL_CTX* raw = context->native_handle();
  boost::system::error_code error;
  (void)SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  // Idle streams would keep 34 kB of buffers each.
  (void)SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  (void)SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_default_passwd_cb(raw, no_password);
  if (context->use_certificate_chain(boost::asio::buffer(chain), error))
    return tls_error(certificate, error);
  if (context->use_private_key(boost::asio::buffer(secret), ssl::context::pem, error)) {
    if (ERR_GET_REASON(static_cast<unsigned long>(error.value())) == X509_R_KEY_VALUES_MISMATCH)
      return invalid_argument("{}: this is not the key of {}", key, certificate);
    return tls_error(key, error);
  }
  return context;
}

}  // namespace sputnik::server
