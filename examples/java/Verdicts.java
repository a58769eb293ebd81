// Shows verdicts and rejections as they come:  java -cp ... Verdicts [HOW_MANY]
// Needs redis.clients:jedis:6.2.0, and whatever reads JSON in your system.
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import redis.clients.jedis.JedisPooled;
import redis.clients.jedis.StreamEntryID;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.params.XReadGroupParams;
import redis.clients.jedis.resps.StreamEntry;

public class Verdicts {
    static final List<String> STREAMS = List.of("claims.passed", "claims.failed", "claims.rejected");
    static final String GROUP = "pms";
    // A name that is the same after a restart, and different for each process that runs at the same time.
    static final String CONSUMER = System.getenv().getOrDefault("PALPATE_CONSUMER", "pms-1");

    public static void main(String[] arguments) {
        long left = arguments.length > 0 ? Long.parseLong(arguments[0]) : Long.MAX_VALUE;
        String url = System.getenv().getOrDefault("PALPATE_REDIS_URL", "redis://127.0.0.1:6379/0");
        try (JedisPooled redis = new JedisPooled(url)) {
            makeGroups(redis);
            // First what this consumer was given and did not acknowledge (0-0), then what is new (>).
            StreamEntryID from = new StreamEntryID();
            while (left > 0) {
                // Jedis waits two seconds for an answer: block for less.
                XReadGroupParams params =
                        XReadGroupParams.xReadGroupParams().count((int) Math.min(100, left)).block(1_000);
                Map<String, StreamEntryID> position = new LinkedHashMap<>();
                for (String stream : STREAMS) position.put(stream, from);
                Map<String, List<StreamEntry>> answer =
                        redis.xreadGroupAsMap(GROUP, CONSUMER, params, position);
                int taken = answer == null ? 0 : take(redis, answer);
                if (taken == 0) from = StreamEntryID.XREADGROUP_UNDELIVERED_ENTRY;
                left -= taken;
            }
        }
    }

    static int take(JedisPooled redis, Map<String, List<StreamEntry>> answer) {
        int taken = 0;
        for (Map.Entry<String, List<StreamEntry>> found : answer.entrySet()) {
            for (StreamEntry entry : found.getValue()) {
                handle(entry.getFields().get("event"));
                // Only now: if this process dies before, it is given the event again.
                redis.xack(found.getKey(), GROUP, entry.getID());
                taken++;
            }
        }
        return taken;
    }

    static void makeGroups(JedisPooled redis) {
        for (String stream : STREAMS) {
            try {
                // From 0: what was published before the first start is read too.
                redis.xgroupCreate(stream, GROUP, new StreamEntryID(), true);
            } catch (JedisDataException error) {
                if (!error.getMessage().startsWith("BUSYGROUP")) throw error; // the group is there
            }
        }
    }

    // What your system does with it. It may be called twice for one event: key what you store by source_event.
    static void handle(String event) {
        System.out.println(event);
    }
}
