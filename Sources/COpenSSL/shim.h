#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/err.h>
#include <openssl/crypto.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

// Keys an HMAC context with SHA-256. 1: done. In C, because OSSL_PARAM keeps the pointer to its name,
// and a name that Swift passes to a C function lives no longer than the call.
static inline int copenssl_hmac_sha256_init(
    EVP_MAC_CTX *context, const unsigned char *key, size_t key_bytes) {
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_init(context, key, key_bytes, parameters);
}
