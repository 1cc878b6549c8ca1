// A program that knows nothing of the throttle: Java's own HttpClient, which asks
// every plain connection to go over to HTTP/2 (Upgrade: h2c).
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;

public class Client {
    public static void main(String[] args) throws Exception {
        String api = System.getenv("CLERK_API_URL") + "/v1/users";
        HttpClient client = HttpClient.newHttpClient();
        var created = new ArrayList<CompletableFuture<HttpResponse<String>>>();
        for (int i = 0; i < 10; i++) {
            String user = "{\"email_address\":[\"java" + i + "@example.com\"]}";
            created.add(client.sendAsync(request(api).POST(BodyPublishers.ofString(user)).build(), BodyHandlers.ofString()));
        }
        int ok = 0;
        for (var c : created) ok += c.get().statusCode() == 200 ? 1 : 0;
        var chunked = BodyPublishers.fromPublisher(BodyPublishers.ofString("{\"email_address\":[\"chunked@example.com\"]}"));
        ok += client.send(request(api).POST(chunked).build(), BodyHandlers.ofString()).statusCode() == 200 ? 1 : 0;
        var waits = request(api).expectContinue(true).POST(BodyPublishers.ofString("{\"email_address\":[\"expect@example.com\"]}"));
        ok += client.send(waits.build(), BodyHandlers.ofString()).statusCode() == 200 ? 1 : 0;
        System.out.println("{\"created\":" + ok + ",\"listed\":" + client.send(request(api).build(), BodyHandlers.ofString()).statusCode() + "}");
    }

    static HttpRequest.Builder request(String url) {
        return HttpRequest.newBuilder(URI.create(url)).header("Authorization", "Bearer sk_test_java").header("Content-Type", "application/json");
    }
}
