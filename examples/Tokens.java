import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Tokens and decisions without the SDK, with nothing but Java 17.
 *
 *   java Tokens.java KEYRING                 reads lines "customer 596", prints a token for each
 *   java Tokens.java KEYRING URL TOKEN_FILE  reads lines "id time customer terminal amount", prints each decision
 *
 * Identifiers come from standard input, because everybody on the machine can read the arguments of a process.
 */
public class Tokens {
    static final int DIGEST_BYTES = 16;
    static final Duration DEADLINE = Duration.ofSeconds(2);

    record Key(String id, byte[] secret) {}

    public static void main(String[] arguments) throws Exception {
        Key key = activeKey(Path.of(arguments[0]));
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null; ) {
            String[] words = line.split(" ");
            if (arguments.length == 1) {
                System.out.println(token(key, words[0], words[1]));
            } else {
                System.out.println(decideOrSayWhy(key, arguments[1], Path.of(arguments[2]), words));
            }
        }
    }

    /** Returns the key id, a dot, and 128 bits of the HMAC-SHA256 of kind and id, in base64 for URLs, without padding. */
    static String token(Key key, String kind, String identifier) throws Exception {
        if (!identifier.matches("[0-9]{1,18}")) {
            throw new IllegalArgumentException("an identifier is an integer with at most 18 digits");
        }
        // 0596 and 596 are one customer.
        long number = Long.parseLong(identifier);
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key.secret(), "HmacSHA256"));
        byte[] digest = mac.doFinal((kind + ":" + number).getBytes(StandardCharsets.UTF_8));
        byte[] cut = Arrays.copyOf(digest, DIGEST_BYTES);
        return key.id() + "." + Base64.getUrlEncoder().withoutPadding().encodeToString(cut);
    }

    /** Returns the answer, or what to do without one: a payment does not wait for a service that is suspended or away. */
    static String decideOrSayWhy(Key key, String url, Path tokenFile, String[] words) throws Exception {
        try {
            return decide(key, url, tokenFile, words);
        } catch (IOException error) {
            return words[0] + ": your own rules decide (" + error + ")";
        }
    }

    /** Sends one transaction and returns the answer. Sending the same line again is safe: an id is decided once. */
    static String decide(Key key, String url, Path tokenFile, String[] words) throws Exception {
        String body = """
            {"transaction_id": "%s", "event_time": %d, "customer": "%s", "terminal": "%s", "amount": %d}"""
            .formatted(
                words[0], Long.parseLong(words[1]), token(key, "customer", words[2]), token(key, "terminal", words[3]),
                Long.parseLong(words[4]));
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/v1/decisions"))
            .timeout(DEADLINE)
            .header("Authorization", "Bearer " + Files.readString(tokenFile).strip())
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
        HttpResponse<String> answer =
            HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
        if (answer.statusCode() != 200) {
            throw new IOException("the scorer answered " + answer.statusCode() + ": " + answer.body());
        }
        return answer.body();
    }

    /** Reads {"active": "k1", "keys": {"k1": "<64 hex digits>"}} and returns the active key. */
    static Key activeKey(Path keyring) throws IOException {
        String text = Files.readString(keyring);
        String id = find("\"active\"\\s*:\\s*\"(k[0-9]{1,6})\"", text);
        return new Key(id, HexFormat.of().parseHex(find("\"" + id + "\"\\s*:\\s*\"([0-9a-f]{64})\"", text)));
    }

    static String find(String pattern, String text) {
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        if (!matcher.find()) {
            throw new IllegalArgumentException("this is no key ring");
        }
        return matcher.group(1);
    }
}
