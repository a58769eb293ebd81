// Publishes claim events, one a file:  java -cp ... Publish EVENT.json...
// Needs redis.clients:jedis:6.2.0
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import redis.clients.jedis.JedisPooled;
import redis.clients.jedis.StreamEntryID;

public class Publish {
    public static void main(String[] paths) throws Exception {
        String url = System.getenv().getOrDefault("PALPATE_REDIS_URL", "redis://127.0.0.1:6379/0");
        try (JedisPooled redis = new JedisPooled(url)) {
            for (String path : paths) {
                String event = Files.readString(Path.of(path));
                // Publishing it again is safe, whatever happened: the same (source, id) is one event.
                StreamEntryID entry =
                        redis.xadd("claims.created", StreamEntryID.NEW_ENTRY, Map.of("event", event));
                System.out.println(path + " is on the stream as " + entry);
            }
        }
    }
}
